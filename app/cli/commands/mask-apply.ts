import { resolve } from 'node:path';
import { applyMask } from '../../../files/masks/index.js';
import { exitCode } from '../exit-codes.js';
import { progressLine } from '../mask/progress.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

export interface MaskApplyOptions {
  model: string;
  out: string;
  overwrite: boolean;
  anyModel: boolean;
  denseValues: boolean;
}

/**
 * `mask apply MASK --model FOLDER --out FOLDER`: writes the pruned checkpoint again, from its mask and the model.
 * @returns the exit code
 */
export async function maskApplyCommand(mask: string, { model, out, ...how }: MaskApplyOptions, { json }: GlobalOptions): Promise<number> {
  const progress = progressLine('writing');
  const { linears } = await applyMask({ mask, model, target: out, ...how, onProgress: progress.update }).finally(progress.end);
  if (json) printJson({ checkpoint: resolve(out), linears });
  else process.stdout.write(`${resolve(out)}: the model with ${linears} linears pruned\n`);
  return exitCode.done;
}
