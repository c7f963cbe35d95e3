import { artifactKinds, openStore, type ArtifactKind, type StoredArtifact } from '../../../files/artifacts/index.js';
import { bytesText } from '../../../errors/bytes-text.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { textTable, timeText } from '../text-table.js';

export interface StoreListOptions {
  kind?: ArtifactKind;
}

/**
 * `store list`: lists the content of a store, place by place (a bucket, and the folder in front of it).
 * @returns the exit code
 */
export async function storeListCommand({ kind }: StoreListOptions, { state, store: location, json }: GlobalOptions): Promise<number> {
  const places: { place: string; artifacts: StoredArtifact[] }[] = [];
  for (const backend of (await openStore(state, location)).backends) {
    const artifacts: StoredArtifact[] = [];
    for await (const artifact of backend.list()) if (kind === undefined || artifact.kind === kind) artifacts.push(artifact);
    places.push({ place: backend.name, artifacts });
  }
  if (json) printJson({ places: places.map(({ place, artifacts }) => ({ place, artifacts: artifacts.map(({ usedAt, ...rest }) => ({ ...rest, used: new Date(usedAt).toISOString() })) })) });
  else process.stdout.write(places.map(({ place, artifacts }) => `${place}\n${table(artifacts)}\n`).join('\n'));
  return exitCode.done;
}

function table(artifacts: readonly StoredArtifact[]): string {
  if (artifacts.length === 0) return 'There are no artifacts.';
  const rows = artifactKinds.map((kind) => artifacts.filter((artifact) => artifact.kind === kind)).flatMap((those) => (those.length === 0 ? [] : [row(those[0].kind, those)]));
  return textTable([['KIND', 'ARTIFACTS', 'BYTES', 'OLDEST USE', 'LATEST USE'], ...rows, row('all', artifacts)]);
}

function row(name: string, artifacts: readonly StoredArtifact[]): string[] {
  const used = artifacts.map(({ usedAt }) => usedAt).sort((a, b) => a - b);
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  return [name, String(artifacts.length), bytesText(bytes), timeText(new Date(used[0])), timeText(new Date(used[used.length - 1]))];
}
