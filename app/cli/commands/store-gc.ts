import { dropUnused, forgetRuns, keptKeys, openStore, unreferenced, unusedSince, type ArtifactBackend } from '../../../files/artifacts/index.js';
import { bytesText } from '../../../errors/bytes-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { durationText, parseDuration } from '../schedule/duration.js';
import { openSession } from '../session.js';
import { printJson } from '../output.js';
import { liveKeys } from '../store/live-keys.js';

export interface StoreGcOptions {
  olderThan: string;
  dryRun: boolean;
  /** Also remove outputs of finished runs. Only a person can know that they are useless. */
  outputs: boolean;
}

/** A run that has just found an artifact records this in its history only when its activity ends. */
const minAgeMs = 10 * 60_000;
/** Files that are being written or uploaded may stay untouched for long, so leftovers must be older. */
const leftoverAgeMs = 24 * 3600_000;
/** How often the runs in progress, and the outputs that finished runs keep, are looked up again. */
const lookUpMs = 60_000;

/**
 * `store gc`: removes what has not been used for long and is not referred to by a run in progress on the server. Outputs of finished runs
 * stay unless `outputs` is set. The runs are looked up after the candidates are known, and again during the removal, so that a run that
 * starts meanwhile counts.
 * @returns the exit code
 * @throws CommandLineError, what `openSession` throws, and the store's faults
 */
export async function storeGcCommand({ olderThan, dryRun, outputs }: StoreGcOptions, { state, store: location, json }: GlobalOptions): Promise<number> {
  const ageMs = parseDuration(olderThan, '--older-than');
  if (ageMs < minAgeMs) {
    throw new CommandLineError({ what: `--older-than ${olderThan} is too short`, expected: `at least ${durationText(minAgeMs)}, because others cannot yet see what a run has just made or found`, remedy: 'Give a longer time' });
  }
  const { backends } = await openStore(state, location);
  const candidates = [];
  for (const backend of backends) {
    const before = (await backend.clock()) - ageMs;
    candidates.push({ backend, before, unused: await unusedSince(backend, before) });
  }
  let live = await inProgress(state);
  let seenAt = performance.now();
  const kept = new Map<ArtifactBackend, ReadonlySet<string>>();
  const neededOf = async (backend: ArtifactBackend): Promise<ReadonlySet<string>> => {
    if (performance.now() - seenAt > lookUpMs) {
      [live, seenAt] = [await inProgress(state), performance.now()];
      kept.clear();
    }
    if (outputs) return live.keys;
    const ofShelf = kept.get(backend) ?? (await keptKeys(backend));
    kept.set(backend, ofShelf);
    return new Set([...live.keys, ...ofShelf]);
  };
  const places = [];
  for (const { backend, before, unused } of candidates) {
    const free = dryRun ? await unreferenced(backend, unused, await neededOf(backend)) : await dropUnused(backend, unused, before, () => neededOf(backend));
    if (outputs && !dryRun) await forgetRuns(backend);
    if (!dryRun) await backend.removeLeftovers(Math.min(before, (await backend.clock()) - leftoverAgeMs));
    places.push({ place: backend.name, removed: free.length, bytes: free.reduce((sum, { bytes }) => sum + bytes, 0), keptForRuns: unused.length - free.length });
  }
  if (json) printJson({ dryRun, runsInProgress: live.runs, places });
  else process.stdout.write(places.map((place) => `${sentence(place, dryRun)}\n`).join(''));
  return exitCode.done;
}

async function inProgress(state: string): ReturnType<typeof liveKeys> {
  const session = await openSession(state);
  try {
    return await liveKeys(session.client);
  } finally {
    await session.close();
  }
}

function sentence({ place, removed, bytes, keptForRuns }: { place: string; removed: number; bytes: number; keptForRuns: number }, dryRun: boolean): string {
  const kept = keptForRuns === 0 ? '' : `; ${keptForRuns} old ones stay, because runs in progress or kept outputs need them`;
  return `${place}: ${removed} artifacts (${bytesText(bytes)}) ${dryRun ? 'would be' : 'were'} removed${kept}.`;
}
