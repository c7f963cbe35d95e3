import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { diffMasks, MaskMismatchError, openMaskSource } from '../../../files/masks/index.js';
import { loadLock, PipelineFileError } from '../../config/index.js';
import { settingsOf, type RunSettings } from '../../report/view/compare-settings.js';
import type { ComparedRun } from '../../report/view/compare-view.js';
import type { FinishedRun } from './find-finished.js';

/** Reads the locks and masks of the runs, and compares each mask with the first. @throws what reading a mask throws */
export async function comparedRuns(runs: readonly FinishedRun[]): Promise<ComparedRun[]> {
  const [first] = runs;
  const compared: ComparedRun[] = [];
  for (const [index, { folder, result }] of runs.entries()) {
    const settings = lockOf(folder);
    compared.push({
      label: String.fromCharCode(65 + index), id: basename(folder), result,
      ...(settings && { settings }), ...(index > 0 && { mask: await maskDifference(first, { folder, result }) }),
    });
  }
  return compared;
}

/** A lock from an older version, or one that somebody has changed, is ignored. */
function lockOf(folder: string): RunSettings | undefined {
  const file = join(folder, 'pipeline.lock.yaml');
  if (!existsSync(file)) return undefined;
  try {
    return settingsOf(loadLock(file));
  } catch (error) {
    if (error instanceof PipelineFileError) return undefined;
    throw error;
  }
}

async function maskDifference(first: FinishedRun, other: FinishedRun): Promise<ComparedRun['mask']> {
  const [a, b] = [maskOf(first), maskOf(other)];
  if (a === undefined || b === undefined) return a === undefined ? 'the first run pruned nothing, or its mask file is gone' : 'the run pruned nothing, or its mask file is gone';
  try {
    return await diffMasks(await openMaskSource(a), await openMaskSource(b));
  } catch (error) {
    if (error instanceof MaskMismatchError) return `it is for another model: ${error.message}`;
    throw error;
  }
}

/** The folder may have been moved since the result was written. */
function maskOf({ folder, result }: FinishedRun): string | undefined {
  const here = join(folder, 'mask.safetensors');
  return [here, result.mask].find((path) => path !== '' && existsSync(path));
}
