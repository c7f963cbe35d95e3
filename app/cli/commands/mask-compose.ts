import { resolve } from 'node:path';
import { openCheckpoint } from '../../../files/checkpoints/index.js';
import { composeMasks, openMaskSource } from '../../../files/masks/index.js';
import { formatInteger, formatPercent } from '../../report/index.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

export interface MaskComposeOptions {
  keep?: 'all' | 'any';
  out: string;
  model?: string;
  overwrite: boolean;
  anyModel: boolean;
}

/**
 * `mask compose SOURCES... --keep all|any --out FILE`: makes one mask from several.
 * @returns the exit code
 * @throws CommandLineError if there are several and `--keep` is missing
 */
export async function maskComposeCommand(paths: readonly string[], { keep, out, model, overwrite, anyModel }: MaskComposeOptions, { json }: GlobalOptions): Promise<number> {
  if (keep === undefined && paths.length > 1) {
    throw new CommandLineError({ what: '--keep is missing', expected: 'all or any', remedy: 'Say whether a weight stays if all masks keep it, or if any of them does' });
  }
  const tensors = model === undefined ? undefined : (await openCheckpoint(model)).tensors;
  const sources = await Promise.all(paths.map((path) => openMaskSource(path, tensors)));
  const { weights, zeros, sparsity, pattern } = await composeMasks({ sources, keep: keep ?? 'all', target: out, overwrite, anyModel });
  if (json) printJson({ mask: resolve(out), weights, zeros, sparsity, pattern });
  else process.stdout.write(`${resolve(out)}: ${formatPercent(sparsity)} of ${formatInteger(weights)} weights pruned, ${pattern}\n`);
  return exitCode.done;
}
