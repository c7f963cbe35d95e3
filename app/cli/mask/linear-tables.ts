import { byLayer, shortName, totalsOf, type LinearFacts } from '../../../files/masks/index.js';
import { formatInteger, formatPercent } from '../../report/index.js';
import { numberTable } from '../text-table.js';

const header = ['layer', 'linears', 'weights', 'zeros', 'sparsity', 'pattern', 'sparsity of rows'];

/** One row for each decoder layer, and a total. With `showLinears`, also one row for each linear below its layer. */
export function layerTable(linears: readonly LinearFacts[], { showLinears, rowsKnown = true }: { showLinears: boolean; rowsKnown?: boolean }): string {
  const rows = byLayer(linears).flatMap(([layer, its]) => [
    rowOf(String(layer ?? 'other'), its),
    ...(showLinears ? its.map((linear) => rowOf(`  ${shortName(linear.name)}`, [linear])) : []),
  ]);
  const all = [header, ...rows, rowOf('all', linears)];
  return numberTable(rowsKnown ? all : all.map((row) => row.slice(0, -1)));
}

function rowOf(label: string, linears: readonly LinearFacts[]): string[] {
  const { weights, zeros, sparsity, pattern } = totalsOf(linears);
  const shares = linears.map(({ rowZeros, shape }) => rowZeros.map((count) => count / shape[1]));
  const least = shares.reduce((share, [fewest]) => Math.min(share, fewest), 1);
  const most = shares.reduce((share, [, greatest]) => Math.max(share, greatest), 0);
  return [
    label, String(linears.length), formatInteger(weights), formatInteger(zeros), formatPercent(sparsity), zeros === 0 ? 'dense' : pattern,
    least === most ? formatPercent(most) : `${short(least)} to ${short(most)}`,
  ];
}

/** A share with three significant digits. */
function short(share: number): string {
  return formatPercent(Number(share.toPrecision(3)));
}
