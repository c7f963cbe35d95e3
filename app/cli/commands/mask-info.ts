import { openCheckpoint } from '../../../files/checkpoints/index.js';
import { describeMasks, openMaskSource, type MaskDescription } from '../../../files/masks/index.js';
import { formatInteger, formatPercent } from '../../report/index.js';
import { exitCode } from '../exit-codes.js';
import { layerTable } from '../mask/linear-tables.js';
import { labelled } from '../text-table.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

export interface MaskInfoOptions {
  model?: string;
  linears: boolean;
}

/**
 * `mask info CHECKPOINT|MASK`: describes the mask, layer by layer. Checks nothing.
 * @returns the exit code
 */
export async function maskInfoCommand(target: string, { model, linears }: MaskInfoOptions, { json }: GlobalOptions): Promise<number> {
  const source = await openMaskSource(target, model === undefined ? undefined : (await openCheckpoint(model)).tensors);
  const described = await describeMasks(source);
  if (json) printJson({ path: source.path, kind: source.kind, metadata: source.metadata, ...described });
  else {
    const facts: [string, string][] = [['file', source.path], ['kind', kindText(source.kind)], ...metadataLines(source.metadata), ...summary(described)];
    process.stdout.write(`${labelled(facts)}\n${layerTable(described.linears, { showLinears: linears, rowsKnown: described.shapesKnown })}`);
  }
  return exitCode.done;
}

function kindText(kind: 'mask' | 'checkpoint'): string {
  return kind === 'mask' ? 'mask file, one bit per weight' : 'checkpoint; every weight that is zero counts as pruned';
}

function metadataLines({ pattern, model, values }: { pattern?: string; model?: string; values?: string }): [string, string][] {
  const lines: [string, string | undefined][] = [
    ['stated pattern', pattern],
    ['stated model', model],
    ['stated values', values === 'dense' ? 'kept weights are the dense model\'s' : values === 'updated' ? 'kept weights were updated' : undefined],
  ];
  return lines.filter((line): line is [string, string] => line[1] !== undefined);
}

function summary({ weights, zeros, sparsity, pattern, shapesKnown }: MaskDescription): [string, string][] {
  return [
    ['sparsity', `${formatPercent(sparsity)}: ${formatInteger(zeros)} of ${formatInteger(weights)} weights are pruned${shapesKnown ? '' : ', up to 7 more or fewer per linear: the file has no shapes (--model FOLDER gives them)'}`],
    ['pattern', pattern],
  ];
}
