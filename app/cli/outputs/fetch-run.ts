import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchOutput, outputParts, type KeptRun, type OutputPart, type ArtifactBackend } from '../../../files/artifacts/index.js';
import { removeOtherFiles } from '../../../files/checkpoints/index.js';
import { outputPaths } from '../../../activities/outputs/fetch.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { CommandLineError } from '../errors.js';
import { progressLine } from '../mask/progress.js';

/** The outputs that were fetched. */
export interface FetchedRun {
  folder: string;
  /** The parts that are now in the folder. */
  parts: OutputPart[];
  /** Paths in the folder of the files that are new. */
  brought: string[];
}

/**
 * Fetches outputs of a run from the store into a folder. Files from an interrupted call are reused. Other files stay, except weights and
 * tokenizer of another checkpoint.
 * @param asked the requested parts; if empty, all that the store keeps
 * @throws CommandLineError if the store does not keep a part, or the folder contains another run; OutputDamagedError, and the store's faults
 */
export async function fetchRun(backend: ArtifactBackend, { workflowId, outputs }: KeptRun, folder: string, asked: readonly OutputPart[] = []): Promise<FetchedRun> {
  const parts = asked.length > 0 ? [...asked] : outputParts.filter((part) => outputs[part] !== undefined);
  const brought: string[] = [];
  await checkFolder(folder, backend, outputs.report);
  for (const part of parts) {
    const key = outputs[part];
    if (key === undefined) {
      throw new CommandLineError({ what: `the store keeps no ${part} of ${workflowId}`, where: backend.name, expected: `a part that it keeps: ${outputParts.filter((one) => outputs[one] !== undefined).join(', ')}`, remedy: 'Name one of these, or add the part to `outputs.keep` of the pipeline and run it again' });
    }
    const kept = (await backend.find('output', key))?.files ?? {};
    const bytes = Object.values(kept).reduce((sum, file) => sum + file.bytes, 0);
    const progress = progressLine(`${workflowId}, ${part}`);
    const target = part === 'checkpoint' ? outputPaths(folder).checkpoint : folder;
    try {
      if (part === 'checkpoint' && existsSync(target)) await removeOtherFiles(target, new Set(Object.keys(kept)));
      const files = await fetchOutput(backend, key, target, { onProgress: (done) => { progress.update(done, bytes); } });
      brought.push(...files.map((name) => (part === 'checkpoint' ? `checkpoint/${name}` : name)));
    } finally {
      progress.end();
    }
  }
  return { folder, parts, brought };
}

/** Checks that the folder does not contain another run, whose files would be mixed with this one's or overwritten. */
async function checkFolder(folder: string, backend: ArtifactBackend, report: string | undefined): Promise<void> {
  const file = join(folder, 'result.json');
  if (report === undefined || !existsSync(file)) return;
  const text = await readFile(file, 'utf8');
  const kept = await textOf(backend, report, 'result.json');
  if (kept === undefined || outcomeOf(text) === outcomeOf(kept)) return;
  throw new CommandLineError({ what: 'there is a run with another result', where: folder, expected: 'no run, or the same one', remedy: 'Give another folder with --to, or remove this one' });
}

async function textOf(backend: ArtifactBackend, key: string, name: string): Promise<string | undefined> {
  const content = await backend.open('output', key, name, 0);
  if (content === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Returns what identifies a result, independent of where its files are. */
function outcomeOf(text: string): string {
  try {
    const { configDigest, digests, perplexity, zeroShot } = JSON.parse(text) as PipelineResult;
    return JSON.stringify([configDigest, digests, perplexity, zeroShot]);
  } catch {
    return '';
  }
}
