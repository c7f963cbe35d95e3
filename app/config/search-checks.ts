import { parsePattern } from './pattern.js';
import { pointerOf } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import type { SearchOver, SparsityGrid } from './search.js';
import type { Combination, ParsedMember } from './sweep.js';

/** Maximum number of points. All are checked and sent before the first one runs, so that each is valid. */
export const maximumPoints = 1000;

/** Rounds, so that `0.1 + 0.2` is 0.3 here and a sparsity has a readable name. */
const decimal = (value: number): number => Number(value.toFixed(10));

/** Returns the points of a valid search as values of the pipeline, by path; the sparsest is last. */
export function gridOf(over: SearchOver): Combination[] {
  if ('patterns' in over) return inOrder(over.patterns).map((pattern) => ({ 'initialMask.pattern': pattern, 'initialMask.sparsity': sparsityOf(pattern) }));
  const { from, step } = over.sparsity;
  return Array.from({ length: Math.round(stepsOf(over.sparsity)) + 1 }, (_, index) => ({ 'initialMask.sparsity': decimal(from + index * step) }));
}

const stepsOf = ({ from, to, step }: SparsityGrid): number => (to - from) / step;

/** Rounds to six digits, the precision to which a sparsity must match its pattern. */
function sparsityOf(pattern: string): number {
  const { n, m } = parsePattern(pattern) ?? { n: 0, m: 1 };
  return Number((1 - n / m).toFixed(6));
}

/** Sorts by sparsity. Ties go to larger groups: 4:8 leaves more choice than 2:4, so it is more likely to pass. */
function inOrder(patterns: readonly string[]): string[] {
  const groupOf = (pattern: string): number => parsePattern(pattern)?.m ?? 0;
  return [...patterns].sort((a, b) => sparsityOf(a) - sparsityOf(b) || groupOf(b) - groupOf(a));
}

/** Returns problems of the searched range that the schema cannot detect. */
export function gridProblems(over: Partial<{ sparsity: SparsityGrid; patterns: string[] }>): ValueProblem[] {
  const { sparsity, patterns } = over;
  if ((sparsity === undefined) === (patterns === undefined)) {
    const message = `\`over\` has ${sparsity === undefined ? 'neither `sparsity` nor `patterns`' : '`sparsity` and `patterns`'}; expected one of the two. ${sparsity === undefined ? 'Add' : 'Keep'} one.`;
    return [{ pointer: '/over', part: 'key', message }];
  }
  if (sparsity !== undefined) return sparsityProblems(sparsity);
  return (patterns ?? []).flatMap((pattern, index) => {
    const { n, m } = parsePattern(pattern) ?? { n: 0, m: 0 };
    const message = `pattern "${pattern}" keeps ${n} of every ${m}; expected N:M with 1 <= N < M. Write for example "2:4".`;
    return n >= 1 && n < m ? [] : [{ pointer: pointerOf(['over', 'patterns', index]), part: 'value', message }];
  });
}

function sparsityProblems({ from, to, step }: SparsityGrid): ValueProblem[] {
  const problem = (message: string): ValueProblem[] => [{ pointer: '/over/sparsity/to', part: 'value', message }];
  if (to <= from) return problem(`\`to\` is ${to}; expected more than \`from\`, ${from}. Swap them, or change one.`);
  const steps = stepsOf({ from, to, step });
  if (steps > maximumPoints - 0.5) return problem(`there are ${Math.round(steps) + 1} sparsities from ${from} to ${to}; expected at most ${maximumPoints}. Use a larger \`step\`.`);
  if (Math.abs(steps - Math.round(steps)) > 1e-6) {
    const near = [Math.floor(steps), Math.ceil(steps)].filter((count) => count > 0).map((count) => decimal(from + count * step)).filter((value) => value < 1);
    return problem(`\`to\` is ${to}, which no whole number of steps of ${step} from ${from} reaches; expected for example ${near.join(' or ')}. Change \`to\` or \`step\`.`);
  }
  return [];
}

/** Without a gate, a search would accept everything. */
export function gateProblems(members: readonly Pick<ParsedMember, 'pipeline'>[]): ValueProblem[] {
  if (members.every(({ pipeline: { gates = [] } }) => gates.length > 0)) return [];
  const message = 'the pipeline has no quality gate; expected `gates`, which say what passes. Add them to the pipeline or to the search, for example `gates: [rebuilt perplexity <= 1.1 * dense]`.';
  return [{ pointer: '/pipeline', part: 'value', message }];
}
