import { PermanentFault } from '../../errors/fault.js';

/** One thing that is wrong with, or odd about, a pipeline file. */
export interface PipelineProblem {
  /** Counted from 1; 0 if the problem has no place in the file (an override, an unreadable file). */
  line: number;
  /** Counted from 1, in characters; 0 like `line`. */
  column: number;
  /** What is wrong with which value, what was expected, what to do. */
  message: string;
  /** The `a.b=c` of the `--set` that brought the value. */
  override?: string;
}

/** Odd but allowed: the run does what the file says. */
export type PipelineWarning = PipelineProblem;

/** Messages stay readable: the rest is counted, and `problems` has them all. */
const shownProblems = 20;

/** `file:line:column` of a problem, or the override that caused it. */
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

/** A fault's sentence brings its own full stop. */
function withoutStop(message: string): string {
  return message.replace(/\.$/, '');
}

/** A pipeline file, or an override of it, that cannot be run as it is. Carries every problem that was found. */
export class PipelineFileError extends PermanentFault {
  constructor(
    /** Absolute path of the file. */
    readonly path: string,
    /** In the order of the file; problems of overrides and of the file as a whole come first. */
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

/** A request that a client of this program would not have sent. It was refused before any work. */
export class RequestError extends PermanentFault {
  constructor(readonly problems: readonly RequestProblem[]) {
    super(summary('request', problems, ({ at }) => at));
  }
}
