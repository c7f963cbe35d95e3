import { digestOf, type Json } from './digest.js';
import { checkedName } from './path-below.js';

/**
 * The kinds of artifacts: windows of tokens, scores of a layer's linears, the gradient of the loss between layers, the masks of one layer,
 * the sums over a shard of the windows from which masks are chosen, hidden states between layers, a perplexity, the tokenized questions of a
 * zero-shot task, the log-likelihoods of some of their answers, and the outputs of a run (checkpoint, mask file with proof, report).
 */
export const artifactKinds = ['tokens', 'scores', 'gradient', 'mask', 'sums', 'hidden', 'perplexity', 'questions', 'likelihoods', 'output'] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** Stored with every artifact: its origin and its digests. */
export interface Manifest {
  kind: ArtifactKind;
  key: string;
  /** Everything that the artifact depends on. The digest of this is the key. */
  dependsOn: Json;
  files: Record<string, { bytes: number; sha256: string }>;
  /** Small numbers about the artifact. They are returned when it is found instead of computed. */
  summary: Json;
  /** How long the computation took, in seconds. */
  seconds: number;
  madeAt: string;
}

export const manifestName = 'manifest.json';

/** The path of an artifact below a folder's root or a bucket's prefix. @throws UnsafeNameError, because keys come from requests */
export function placeOf(kind: ArtifactKind, key: string): string {
  return `${kind}/${checkedName(key, 'artifact key').slice(0, 2)}/${key}`;
}

/** The text of a manifest. It contains its own digest, because some artifacts have no files, only the numbers in `summary`. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, digest: digestOf(manifest) }, null, 1)}\n`;
}

/** @returns undefined if the text has changed in any way since it was written */
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
  /** When it was made or last found by a run: milliseconds since the epoch, by the store's clock. */
  usedAt: number;
}

/** Reads kind and key from a path of {@link placeOf}; undefined if it is not the path of an artifact. */
export function artifactAt(place: string): { kind: ArtifactKind; key: string } | undefined {
  const [kind, start, key] = place.split('/');
  const known = artifactKinds.find((name) => name === kind);
  return known !== undefined && key !== undefined && /^[0-9a-f]{64}$/.test(key) && key.startsWith(start ?? '-') ? { kind: known, key } : undefined;
}
