/** What the two executables answer to the shell. */
export const exitCode = {
  done: 0,
  runFailed: 1,
  /** The pipeline file or the command line is wrong. */
  wrongInput: 2,
  interrupted: 130,
} as const;
