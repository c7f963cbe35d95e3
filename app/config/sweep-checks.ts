import { agrees, combinationsOf, product } from './combinations.js';
import { nearest } from './nearest.js';
import type { EvaluationStage } from './pipeline.js';
import { pointerOf } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import type { Matrix, ParsedMember, StopWhen, SweepChoice, SweepMetric, SweepSettings } from './sweep.js';

/** More members would not fit into one message of the server. */
export const maximumMembers = 2000;

/** Checks the choice of members. */
export function choiceProblems(choice: SweepChoice): ValueProblem[] {
  const { matrix, exclude } = choice;
  const size = Object.values(matrix).reduce((all, values) => all * values.length, 1) + choice.include.length;
  if (size > maximumMembers) {
    return [{ pointer: '/matrix', part: 'key', message: `the matrix has ${size} combinations; expected at most ${maximumMembers}. Split the sweep, or use fewer values.` }];
  }
  const problems: ValueProblem[] = [];
  const all = product(matrix);
  exclude.forEach((entry, index) => {
    const wrong = Object.keys(entry).flatMap((path) => {
      const message = unknownPath(path, matrix);
      return message === undefined ? [] : [{ pointer: pointerOf(['exclude', index, path]), part: 'key', message } satisfies ValueProblem];
    });
    problems.push(...wrong);
    if (wrong.length === 0 && !all.some((combination) => agrees(combination, entry))) {
      problems.push({ pointer: pointerOf(['exclude', index]), part: 'value', message: 'excludes nothing: no combination of the matrix has these values; expected values of the matrix. Fix or remove it.' });
    }
  });
  if (problems.length === 0 && combinationsOf(choice).length === 0) {
    problems.push({ pointer: '/exclude', part: 'key', message: 'excludes all members; expected at least one member. Remove an entry.' });
  }
  return problems;
}

/** Checks the condition under which further members are skipped. */
export function stopProblems(stopWhen: StopWhen, { matrix }: SweepChoice): ValueProblem[] {
  const { along, metric, above, gate } = stopWhen;
  const problems: ValueProblem[] = [];
  const isByMetric = metric !== undefined && above !== undefined;
  if (isByMetric === (gate !== undefined) || (metric === undefined) !== (above === undefined)) {
    problems.push({ pointer: '/stopWhen', part: 'key', message: '`stopWhen` needs exactly one reason to stop; expected `metric` with `above`, or `gate`. Give one of the two.' });
  }
  const message = unknownPath(along, matrix) ?? (matrix[along].every((value) => typeof value === 'number') ? undefined : `\`${along}\` has values that are not numbers; expected numbers, which have an order. Name another path.`);
  if (message !== undefined) problems.push({ pointer: '/stopWhen/along', part: 'value', message });
  return problems;
}

function unknownPath(path: string, matrix: Matrix): string | undefined {
  const paths = Object.keys(matrix);
  if (paths.includes(path)) return undefined;
  const meant = nearest(path, paths);
  return `\`${path}\` is not a path of the matrix; expected ${paths.map((one) => `\`${one}\``).join(', ')}. ${meant === undefined ? 'Name one of them.' : `Did you mean \`${meant}\`?`}`;
}

type JudgedMember = Pick<ParsedMember, 'name' | 'pipeline'>;

/** Checks that members have the metrics and gates that they are judged by. A missing one would silently have no effect. */
export function judgedProblems({ stopWhen, best }: Pick<SweepSettings, 'stopWhen' | 'best'>, members: readonly JudgedMember[]): ValueProblem[] {
  const without = stopWhen?.gate === undefined ? undefined : members.find(({ pipeline: { gates = [] } }) => gates.length === 0);
  return [
    ...(without === undefined ? [] : [{ pointer: '/stopWhen/gate', part: 'value', message: `member \`${without.name}\` has no quality gate; expected \`gates\` in the pipeline. Add one, or stop by a metric.` } satisfies ValueProblem]),
    ...(stopWhen?.metric === undefined ? [] : metricProblem('stopWhen', stopWhen.metric, members)),
    ...(best === undefined ? [] : metricProblem('best', best.metric, members)),
  ];
}

const statesOf: Record<SweepMetric, readonly string[]> = {
  'perplexity.initial': ['initial'],
  'perplexity.rebuilt': ['rebuilt'],
  gapClosed: ['dense', 'initial', 'rebuilt'],
  'accuracy.initial': ['initial'],
  'accuracy.rebuilt': ['rebuilt'],
};

/** Reports a member without the metric, which would silently have no effect. */
function metricProblem(key: string, metric: SweepMetric, members: readonly JudgedMember[]): ValueProblem[] {
  const lacks = ({ pipeline }: JudgedMember): string | undefined => {
    const judges = ({ perplexity, zeroShot }: EvaluationStage): boolean => (metric.startsWith('accuracy') ? zeroShot !== undefined : perplexity.length > 0);
    const judged = pipeline.stages.flatMap((stage) => (stage.type === 'evaluation' && judges(stage) ? stage.states : []) as string[]);
    return statesOf[metric].find((state) => !judged.includes(state));
  };
  const member = members.find((one) => lacks(one) !== undefined);
  if (member === undefined) return [];
  const message = `member \`${member.name}\` has no ${metric}: its pipeline does not evaluate the state \`${lacks(member) ?? ''}\`${metric.startsWith('accuracy') ? ' on zero-shot tasks' : ''}; expected an evaluation of it. Add it to the pipeline's \`evaluation\`, or judge by another metric.`;
  return [{ pointer: `/${key}/metric`, part: 'value', message }];
}
