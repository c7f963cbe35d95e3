import type { Expectation, NumberSource } from '../config/index.js';
import { markdownTable, quantityFigure } from '../report/index.js';
import { numberOf, type Judged } from '../../workflows/gates.js';

/** One published number beside the number found. */
export interface Verdict {
  number: string;
  claimed: number;
  found: number | null;
  tolerance: number;
  verdict: 'within' | 'outside' | 'not measured';
  source: NumberSource;
  quantity: Expectation['quantity']['kind'];
}

/** Published numbers are decimals, but are kept as floats. */
const rounding = 1e-12;

/** Compares a result with the published numbers. */
export function verdicts(expect: readonly Expectation[], result: Judged): Verdict[] {
  return expect.map(({ number, quantity, value: claimed, tolerance, source }) => {
    const found = numberOf(quantity, result) ?? null;
    const isWithin = found !== null && Math.abs(found - claimed) <= tolerance + rounding * Math.max(1, Math.abs(claimed));
    return { number, claimed, found, tolerance, verdict: found === null ? 'not measured' : isWithin ? 'within' : 'outside', source, quantity: quantity.kind };
  });
}

/** The table for a terminal, which is also valid Markdown. */
export function verdictTable(name: string, found: readonly Verdict[]): string {
  const rows = found.map(({ number, claimed, found: value, tolerance, verdict, source, quantity }) => [
    number,
    quantityFigure(quantity, claimed),
    value === null ? 'none' : quantityFigure(quantity, value),
    `+/- ${quantityFigure(quantity, tolerance)}`,
    verdict,
    sourceText(source),
  ]);
  const within = found.filter(({ verdict }) => verdict === 'within').length;
  return `${name}: ${within} of ${found.length} numbers reproduced\n\n${markdownTable([['number', 'claimed', 'found', 'tolerance', 'verdict', 'source'], ...rows])}\n`;
}

function sourceText({ paper, arxiv, table, url, file }: NumberSource): string {
  return [paper, arxiv === undefined ? undefined : `arXiv ${arxiv}`, table, url, file].filter((part) => part !== undefined).join(', ');
}
