/** What commands print on stdout, and whether it got there. */

/** The one JSON object of `--json`. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

let failure: Error | undefined;

/**
 * Notes when stdout cannot be written, for instance because a disk is full. A reader that has gone, as in `... | head`, is no
 * failure. What cannot be written to stderr is lost: there is nowhere left to say so.
 */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error;
  });
  process.stderr.on('error', () => undefined);
}

/** Waits until everything written so far has left the process. @returns why stdout could not be written, if it could not */
export async function flushOutput(): Promise<Error | undefined> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  return failure;
}
