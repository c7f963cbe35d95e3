import { PermanentFault } from '../../errors/fault.js';

/** One thing that is wrong or odd in a pipeline file. */
export interface PipelineProblem {
  /** Counted from 1; 0 if the problem has no place in the file (for an override, or an unreadable file). */
  line: number;
  /** Counted from 1, in characters; 0 if `line` is 0. */
  column: number;
  /** Which value is wrong and how, what was expected, and what to do. */
  message: string;
  /** The `a.b=c` of the `--set` that set the value. */
  override?: string;
}

/** Odd but allowed: the run does what the file says. */
export type PipelineWarning = PipelineProblem;

/** Maximum number of problems in a message. The others are counted; `problems` has them all. */
const shownProblems = 20;

/** Formats the place of a problem as `file:line:column`, or as the override that caused it. */
export function placeOf(path: string, { line, column, override }: PipelineProblem): string {
  if (override !== undefined) return `--set ${override}`;
  return line === 0 ? path : `${path}:${line}:${column}`;
}

function summary<P extends { message: string }>(path: string, problems: readonly P[], place: (problem: P) => string): { where: string; what: string } {
  const [first] = problems;
  if (first !== undefined && problems.length === 1) return { where: place(first), what: withoutStop(first.message) };
  const lines = problems.slice(0, shownProblems).map((problem) => `  ${place(problem)}: ${problem.message}`);
  if (problems.length > shownProblems) lines.push(`  and ${problems.length - shownProblems} more.`);
  return { where: path, what: withoutStop(`${problems.length} problems\n${lines.join('\n')}`) };
}

/** The sentence of a fault adds its own full stop. */
function withoutStop(message: string): string {
  return message.replace(/\.$/, '');
}

/** Thrown when a pipeline file, or an override of it, cannot be run. Has every problem that was found. */
export class PipelineFileError extends PermanentFault {
  constructor(
    /** Absolute path of the file. */
    readonly path: string,
    /** In the order of the file. Problems of overrides and of the file as a whole come first. */
    readonly problems: readonly PipelineProblem[],
  ) {
    super(summary(path, problems, (problem) => placeOf(path, problem)));
  }
}

/** One thing that is wrong with a request. */
export interface RequestProblem {
  /** The place of the value, for example `pipeline.stages[2].evaluation.states[0]`. */
  at: string;
  /** As in {@link PipelineProblem}. */
  message: string;
}

/** Thrown for a request that this program's client would not have sent. Such a request is rejected before any work. */
export class RequestError extends PermanentFault {
  constructor(readonly problems: readonly RequestProblem[]) {
    super(summary('request', problems, ({ at }) => at));
  }
}
