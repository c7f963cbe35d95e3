import { digestOf, type Json } from './digest.js';
import { checkedName } from './path-below.js';

/**
 * What an artifact is: the windows of tokens, scores of a layer's linears, the loss's gradient between layers, one layer's
 * masks, what was summed up for them over a shard of the windows, hidden states between layers, a perplexity, the questions of a zero-shot task in tokens, the log-likelihoods of a part of their answers, and
 * what a run hands out: its checkpoint, its mask file with the proof, its report.
 */
export const artifactKinds = ['tokens', 'scores', 'gradient', 'mask', 'sums', 'hidden', 'perplexity', 'questions', 'likelihoods', 'output'] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** Written beside every artifact: how it came about, and how its bytes are known again. */
export interface Manifest {
  kind: ArtifactKind;
  key: string;
  /** Everything the artifact depends on; its digest is the key. */
  dependsOn: Json;
  files: Record<string, { bytes: number; sha256: string }>;
  /** Small numbers about the artifact, returned again when it is found instead of made. */
  summary: Json;
  /** Seconds of work that making it took. */
  seconds: number;
  madeAt: string;
}

export const manifestName = 'manifest.json';

/** Where an artifact is, below the root of a folder or the prefix of a bucket. @throws UnsafeNameError: keys come with requests */
export function placeOf(kind: ArtifactKind, key: string): string {
  return `${kind}/${checkedName(key, 'artifact key').slice(0, 2)}/${key}`;
}

/** The text of a manifest. It holds its own digest, because some artifacts consist only of the numbers of a summary. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, digest: digestOf(manifest) }, null, 1)}\n`;
}

/** @returns undefined if the text is not, to the letter, what was written */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const { digest, ...manifest } = JSON.parse(text) as Manifest & { digest: string };
    return digestOf(manifest) === digest ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** An artifact as a listing shows it. */
export interface StoredArtifact {
  kind: ArtifactKind;
  key: string;
  bytes: number;
  /** When it was made or, last, found by a run: milliseconds since the epoch, by the store's clock. */
  usedAt: number;
}

/** An artifact's place below the root, taken apart again. */
export function artifactAt(place: string): { kind: ArtifactKind; key: string } | undefined {
  const [kind, start, key] = place.split('/');
  const known = artifactKinds.find((name) => name === kind);
  return known !== undefined && key !== undefined && /^[0-9a-f]{64}$/.test(key) && key.startsWith(start ?? '-') ? { kind: known, key } : undefined;
}
