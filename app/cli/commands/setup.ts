import { hasWorkerPackages } from '#setup/paths.mjs';
import { SetUpError } from '../errors.js';
import { exitCode } from '../exit-codes.js';

/**
 * `setup`: installs what pipelines need to run, and says what it fetches. Keeps what is there already.
 * @returns the exit code
 * @throws SetUpError
 */
export async function setupCommand(): Promise<number> {
  const { describeSetUp, setUp } = await import('#setup/set-up.mjs');
  if (!hasWorkerPackages()) process.stdout.write(`${describeSetUp()}\n`);
  await setUp().catch((cause: unknown) => {
    throw new SetUpError(cause);
  });
  return exitCode.done;
}
