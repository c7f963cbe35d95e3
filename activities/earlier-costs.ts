import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { PipelineResult } from './result.js';

/** What the same work may say differently another time. */
const costKeys = ['seconds', 'costs', 'reused', 'spent', 'found', 'planned', 'timeline', 'incidents', 'gates'] as const;
type Costs = Pick<PipelineResult, (typeof costKeys)[number]>;

/** A run's result as a file, beside its report. */
export const resultFile = (folder: string): string => join(folder, 'result.json');

/**
 * The costs that the report of an earlier run of the same pipeline has, if that run came to the same result and found less of it in
 * the store: it knows better what the result costs. Undefined if there is no such report.
 */
export async function earlierCosts(folder: string, result: PipelineResult): Promise<Costs | undefined> {
  const earlier = await readResult(resultFile(folder));
  if (earlier === undefined || earlier.reused >= result.reused || !isDeepStrictEqual(workOf(earlier), workOf(result))) return undefined;
  const { gates, ...costs } = Object.fromEntries(costKeys.map((key) => [key, earlier[key]])) as unknown as Costs;
  return { ...costs, ...(gates && { gates }) };
}

/** The result without its costs, as JSON has it. Gates may ask for seconds, so they count as costs. Older results have no page, and the file does not name the
 * artifact that it is in itself. */
function workOf(result: PipelineResult): unknown {
  const work = JSON.parse(JSON.stringify(result)) as Partial<PipelineResult>;
  for (const left of [...costKeys, 'page', 'kept'] as const) delete work[left];
  return work;
}

/** Undefined if there is no such file, or if it cannot be read: then it is written again. */
async function readResult(file: string): Promise<PipelineResult | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as PipelineResult;
  } catch {
    return undefined;
  }
}
