import type { GateResult } from '../../workflows/protocol.js';
import { formatNumber, formatPercent } from './format.js';

/** Rows of the table of quality gates, heading first. */
export function gateRows(gates: readonly GateResult[], { target }: { target: number }): string[][] {
  const rows = gates.map(({ gate, asked, quantity, comparison, limit, found, passed }) => {
    const text = (value: number | null): string => (value === null ? 'none' : quantityFigure(quantity, value));
    const bound = comparison === 'within' ? `within ${limit === null ? 'none' : points(limit)} of ${formatPercent(target)}` : `${comparison} ${text(limit)}`;
    return [gate === asked ? asked : `${gate}: ${asked}`, bound, text(found), passed ? 'passed' : 'FAILED'];
  });
  return [['gate', 'asked', 'found', ''], ...rows];
}

/** Formats a number of a result in the unit that people read. */
export function quantityFigure(quantity: GateResult['quantity'], value: number): string {
  switch (quantity) {
    case 'zeroShot':
    case 'sparsity':
    case 'gapClosed':
      return formatPercent(value);
    case 'drop':
      return points(value);
    case 'perplexity':
    case 'weights':
    case 'seconds':
      return formatNumber(value);
  }
}

const points = (share: number): string => `${Number((share * 100).toPrecision(6))} points`;

/** The gates that failed, if any. */
export function failedGates({ gates = [] }: { gates?: readonly GateResult[] }): GateResult[] {
  return gates.filter(({ passed }) => !passed);
}
