/** A table that shows which judge ranks methods in the order of their perplexity, over all pairs of measured cells. */
import type { Measured, ResultLine } from './cell.js';

type Judged = ResultLine & { measured: Measured & Required<Pick<Measured, 'signs'>> };

/** Measures by which a guard could judge on one text. Smaller is better. */
const judges: Readonly<Record<string, (measured: Judged['measured'], text: string) => number>> = {
  'error of the layers, pruned path': ({ signs }, text) => signs[text].layerError,
  'distance from the dense path': ({ signs }, text) => signs[text].pathError,
  'divergence from the dense logits': ({ signs }, text) => signs[text].divergence,
  'perplexity': ({ perplexity }, text) => perplexity[text],
};

/** Perplexities that differ by less than this share do not show which method is better. */
const minDifference = 0.01;

interface Tally {
  right: number;
  pairs: number;
}

/** @param lines if a cell was measured with several versions of the code, the last one counts */
export function judgeTable(lines: readonly ResultLine[]): string {
  const cells = latest(lines.filter((line): line is Judged => line.calibration !== undefined && line.measured?.signs !== undefined));
  const columns = new Map<string, Map<string, Tally>>();
  for (const [a, b] of pairsOf(cells)) {
    for (const truth of a.evaluations) {
      for (const text of a.evaluations) {
        // If there are several texts, no text judges itself.
        if (a.evaluations.length > 1 && text.name === truth.name) continue;
        const column = `${a.model}: ${text.name} for ${truth.name}`;
        const tallies = columns.get(column) ?? new Map<string, Tally>();
        columns.set(column, tallies);
        for (const [judge, valueOf] of Object.entries(judges)) {
          if (judge === 'perplexity' && text.name === truth.name) continue;
          count(tallies, judge, a, b, truth.name, (line) => valueOf(line.measured, text.name));
        }
      }
    }
  }
  const names = [...columns.keys()];
  const cell = (tally: Tally | undefined): string => (tally === undefined || tally.pairs === 0 ? '' : `${(100 * tally.right / tally.pairs).toFixed(1)} % of ${tally.pairs}`);
  const rows = Object.keys(judges).map((judge) => `| ${judge} | ${names.map((name) => cell(columns.get(name)?.get(judge))).join(' | ')} |`);
  return [`| judge | ${names.join(' | ')} |`, `|---|${names.map(() => '--:').join('|')}|`, ...rows].join('\n');
}

function count(tallies: Map<string, Tally>, judge: string, a: Judged, b: Judged, truth: string, valueOf: (line: Judged) => number): void {
  const difference = Math.log(a.measured.perplexity[truth] / b.measured.perplexity[truth]);
  if (Math.abs(difference) < Math.log(1 + minDifference)) return;
  const tally = tallies.get(judge) ?? { right: 0, pairs: 0 };
  tallies.set(judge, tally);
  tally.pairs++;
  if (Math.sign(valueOf(a) - valueOf(b)) === Math.sign(difference)) tally.right++;
}

/** Returns all pairs of methods with the same model, pattern, calibration and texts. */
function pairsOf(cells: readonly Judged[]): [Judged, Judged][] {
  const group = ({ model, pattern, calibration, evaluations }: Judged): string => JSON.stringify([model, pattern, calibration, evaluations]);
  return cells.flatMap((a, index) => cells.slice(index + 1).filter((b) => group(a) === group(b)).map((b): [Judged, Judged] => [a, b]));
}

function latest(cells: readonly Judged[]): Judged[] {
  return [...new Map(cells.map((cell) => [JSON.stringify([cell.model, cell.pattern, cell.method, cell.calibration, cell.evaluations]), cell])).values()];
}
