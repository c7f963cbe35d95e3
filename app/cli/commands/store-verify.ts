import { openStore } from '../../../files/artifacts/index.js';
import { exitCode } from '../exit-codes.js';
import { progressLine } from '../mask/progress.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/**
 * `store verify`: reads every artifact and compares it with its digests.
 * @returns the exit code: 0 all are intact, 1 something was damaged (and has been removed)
 */
export async function storeVerifyCommand({ state, store: location, json }: GlobalOptions): Promise<number> {
  const places: { place: string; held: number; damaged: string[] }[] = [];
  for (const backend of (await openStore(state, location)).backends) {
    const all = [];
    for await (const artifact of backend.list()) all.push(artifact);
    const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
    const progress = progressLine(backend.name);
    const damaged: string[] = [];
    let read = 0;
    for (const { kind, key, bytes } of all) {
      progress.update(read, total);
      if (!(await backend.verify(kind, key))) damaged.push(`${kind}/${key}`);
      read += bytes;
    }
    progress.end();
    places.push({ place: backend.name, held: all.length - damaged.length, damaged });
  }
  if (json) printJson({ places });
  else process.stdout.write(places.map(text).join(''));
  return places.some(({ damaged }) => damaged.length > 0) ? exitCode.runFailed : exitCode.done;
}

function text({ place, held, damaged }: { place: string; held: number; damaged: readonly string[] }): string {
  const lines = damaged.map((artifact) => `  ${artifact} was damaged; runs that need it recompute it\n`);
  return `${place}: ${held} artifacts are intact, ${damaged.length} are damaged.\n${lines.join('')}`;
}
