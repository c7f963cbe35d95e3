/** The exit codes of both executables. */
export const exitCode = {
  done: 0,
  runFailed: 1,
  /** The pipeline file or the command line is wrong. */
  wrongInput: 2,
  /** The run is done, but its result is not what was asked for: a quality gate failed, or a published number was missed. */
  gateFailed: 3,
  interrupted: 130,
} as const;
