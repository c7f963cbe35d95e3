import { inFolder, publishRun } from '../../../activities/outputs/publish.js';
import { failedGates } from '../../report/index.js';
import { renderCard } from '../../report/model-card.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { finishedRun } from '../outputs/finished-run.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/** Options specific to `publish`. */
export interface PublishFlags {
  public: boolean;
  branch: string;
  force: boolean;
}

/**
 * `publish RUN REPOSITORY`: uploads a run's checkpoint to a hub. Files that the hub already has are not sent again.
 * @returns the exit code
 * @throws CommandLineError, what {@link finishedRun} throws, and the errors of the hub
 */
export async function publishCommand(word: string, repository: string, flags: PublishFlags, options: GlobalOptions): Promise<number> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new CommandLineError({ what: `${JSON.stringify(repository)} is not a repository`, expected: '`organisation/name`', remedy: 'Correct it' });
  const { result: named, folder } = await finishedRun(word, options, ['checkpoint', 'mask']);
  // A result that was fetched may name any path, and all files of a checkpoint's folder would be uploaded.
  const result = inFolder(named, folder);
  const failed = failedGates(result);
  if (failed.length > 0 && !flags.force) {
    process.stderr.write(`Not published: ${failed.length} of ${result.gates?.length ?? 0} quality gates failed: ${failed.map(({ gate }) => gate).join('; ')}. Use --force to publish anyway.\n`);
    return exitCode.gateFailed;
  }
  const published = await publishRun({
    result, renderCard, target: { repository, private: !flags.public, branch: flags.branch },
    onProgress: (what) => { if (options.verbose) process.stderr.write(`${what}\n`); },
  });
  if (options.json) printJson(published);
  else process.stdout.write(published.changed.length === 0 ? `${published.url} is up to date (commit ${published.commit}).\n` : `${published.url}: ${published.changed.length} files in commit ${published.commit}.\n`);
  return exitCode.done;
}
