/** Prints the output of commands on stdout, and checks that it was written. */
import { fstatSync, writeSync } from 'node:fs';
import { exitCode } from './exit-codes.js';

/** Prints the one JSON object of `--json`. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

let failure: Error | undefined;

/**
 * Records when stdout cannot be written, for example because a disk is full. A reader that has gone, as in `... | head`, is not a failure.
 * Output that cannot be written to stderr is lost, because there is nowhere left to report it.
 */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error;
  });
  process.stderr.on('error', () => undefined);
  if (isFile(process.stdout.fd)) writeWhole(process.stdout);
}

function isFile(handle: number): boolean {
  try {
    return fstatSync(handle).isFile();
  } catch {
    return false;
  }
}

/** Node writes to a file with one system call. If the disk fills up, only a part is written, and Node takes it for the whole. */
function writeWhole(stream: typeof process.stdout): void {
  stream._write = (chunk: Buffer, _encoding, done) => {
    try {
      for (let start = 0; start < chunk.length; ) start += writeSync(stream.fd, chunk, start);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}

/**
 * Ends the process once all output is written, even if libraries still hold handles. A command that succeeded but could not write its
 * result has failed.
 */
export async function endProcess(code: number): Promise<never> {
  await flush();
  if (failure === undefined) process.exit(code);
  process.stderr.write(`The result could not be written to stdout: ${failure.message}.\n`);
  await flush();
  process.exit(code === exitCode.done ? exitCode.runFailed : code);
}

async function flush(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
}
