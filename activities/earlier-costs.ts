import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { PipelineResult } from './result.js';

/** The keys of a result that may differ between two runs of the same work. */
const costKeys = ['seconds', 'costs', 'reused', 'spent', 'found', 'planned', 'timeline', 'incidents', 'gates'] as const;
type Costs = Pick<PipelineResult, (typeof costKeys)[number]>;

/** Path of a run's result as JSON, in the folder of its report. */
export const resultFile = (folder: string): string => join(folder, 'result.json');

/**
 * Returns the costs of an earlier run of the same pipeline, read from beside its report, if that run had the same result and reused
 * less from the store: its costs are then closer to the real ones. Undefined if there is no such report.
 */
export async function earlierCosts(folder: string, result: PipelineResult): Promise<Costs | undefined> {
  const earlier = await readResult(resultFile(folder));
  if (earlier === undefined || earlier.reused >= result.reused || !isDeepStrictEqual(workOf(earlier), workOf(result))) return undefined;
  const { gates, ...costs } = Object.fromEntries(costKeys.map((key) => [key, earlier[key]])) as unknown as Costs;
  return { ...costs, ...(gates && { gates }) };
}

/** The result without its costs, as parsed from JSON. Gates may refer to seconds, so they count as costs. `page` is left out because older
 * results lack it, and `kept` because the file does not name the artifact that contains it. */
function workOf(result: PipelineResult): unknown {
  const work = JSON.parse(JSON.stringify(result)) as Partial<PipelineResult>;
  for (const left of [...costKeys, 'page', 'kept'] as const) delete work[left];
  return work;
}

/** Undefined if the file does not exist or cannot be read; it is then written again. */
async function readResult(file: string): Promise<PipelineResult | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as PipelineResult;
  } catch {
    return undefined;
  }
}
