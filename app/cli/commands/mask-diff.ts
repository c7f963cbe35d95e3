import { byLayer, diffMasks, jaccard, openMaskSource, shortName, sumOf, type DiffCounts, type MaskDiff } from '../../../files/masks/index.js';
import { formatInteger } from '../../report/index.js';
import { exitCode } from '../exit-codes.js';
import { numberTable } from '../text-table.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

export interface MaskDiffOptions {
  linears: boolean;
}

/**
 * `mask diff A B`: shows what B keeps and A does not, and the reverse.
 * @returns the exit code
 */
export async function maskDiffCommand(a: string, b: string, { linears }: MaskDiffOptions, { json }: GlobalOptions): Promise<number> {
  const diff = await diffMasks(await openMaskSource(a), await openMaskSource(b));
  if (json) printJson(asJson(a, b, diff));
  else process.stdout.write(`  A  ${a}\n  B  ${b}\n\n${diffTable(diff, linears)}\n${onlyInOne(diff)}${verdict(diff)}\n`);
  return exitCode.done;
}

function asJson(a: string, b: string, { linears, onlyInA, onlyInB, ...total }: MaskDiff): object {
  const counted = (counts: DiffCounts): object => ({ ...counts, jaccard: jaccard(counts) });
  return {
    a, b, total: counted(total),
    layers: byLayer(linears).map(([layer, its]) => ({ layer, ...counted(sumOf(its)) })),
    linears: linears.map(({ shapeKnown: _, ...linear }) => counted(linear)),
    onlyInA, onlyInB,
  };
}

function diffTable(diff: MaskDiff, showLinears: boolean): string {
  const rows = byLayer(diff.linears).flatMap(([layer, its]) => [
    rowOf(String(layer ?? 'other'), sumOf(its)),
    ...(showLinears ? its.map((linear) => rowOf(`  ${shortName(linear.name)}`, linear)) : []),
  ]);
  return numberTable([['layer', 'weights', 'kept in A', 'kept in B', 'grown', 'pruned', 'Jaccard'], ...rows, rowOf('all', diff)]);
}

function rowOf(label: string, counts: DiffCounts): string[] {
  const { weights, keptA, keptB, grown, pruned } = counts;
  return [label, ...[weights, keptA, keptB, grown, pruned].map(formatInteger), jaccard(counts).toFixed(4)];
}

function onlyInOne({ onlyInA, onlyInB }: MaskDiff): string {
  const line = (which: string, names: readonly string[]): string =>
    names.length === 0 ? '' : `Only in ${which}, not counted: ${names.length} linears, the first is ${names[0]}.\n`;
  return line('A', onlyInA) + line('B', onlyInB);
}

function verdict({ grown, pruned }: MaskDiff): string {
  return grown + pruned === 0 ? 'The masks are the same.' : `From A to B ${formatInteger(grown)} weights grow and ${formatInteger(pruned)} are pruned.`;
}
