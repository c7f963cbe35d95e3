import { dropUnused, forgetRuns, keptKeys, openStore, unreferenced, unusedSince, type Shelf } from '../../../files/artifacts/index.js';
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
  /** Outputs of finished runs, too, which only a person can know to be useless. */
  outputs: boolean;
}

/** A run that has just found an artifact says so in its history when its activity ends, not before. */
const leastAgeMs = 10 * 60_000;
/** What is being made, or uploaded, may lie untouched for long: leftovers have to be older. */
const leftoverAgeMs = 24 * 3600_000;
/** Runs in progress, and outputs that finished ones keep, are looked up again after so long. */
const lookUpMs = 60_000;

/**
 * `store gc`: removes what has not been used for long and what no run in progress on the server refers to. Outputs of finished runs stay
 * unless they are asked for. The runs are
 * looked at after the candidates are known, and again while they are removed, so that one that begins meanwhile counts.
 * @returns the exit code
 * @throws CommandLineError, what `openSession` throws, and the store's faults
 */
export async function storeGcCommand({ olderThan, dryRun, outputs }: StoreGcOptions, { state, store: location, json }: GlobalOptions): Promise<number> {
  const ageMs = parseDuration(olderThan, '--older-than');
  if (ageMs < leastAgeMs) {
    throw new CommandLineError({ what: `--older-than ${olderThan} is too short`, expected: `at least ${durationText(leastAgeMs)}: others cannot see yet what a run has just made or found`, remedy: 'Give a longer time' });
  }
  const { shelves } = await openStore(state, location);
  const candidates = [];
  for (const shelf of shelves) {
    const before = (await shelf.clock()) - ageMs;
    candidates.push({ shelf, before, unused: await unusedSince(shelf, before) });
  }
  let live = await inProgress(state);
  let seenAt = performance.now();
  const kept = new Map<Shelf, ReadonlySet<string>>();
  const neededOf = async (shelf: Shelf): Promise<ReadonlySet<string>> => {
    if (performance.now() - seenAt > lookUpMs) {
      [live, seenAt] = [await inProgress(state), performance.now()];
      kept.clear();
    }
    if (outputs) return live.keys;
    const ofShelf = kept.get(shelf) ?? (await keptKeys(shelf));
    kept.set(shelf, ofShelf);
    return new Set([...live.keys, ...ofShelf]);
  };
  const places = [];
  for (const { shelf, before, unused } of candidates) {
    const free = dryRun ? await unreferenced(shelf, unused, await neededOf(shelf)) : await dropUnused(shelf, unused, before, () => neededOf(shelf));
    if (outputs && !dryRun) await forgetRuns(shelf);
    if (!dryRun) await shelf.removeLeftovers(Math.min(before, (await shelf.clock()) - leftoverAgeMs));
    places.push({ place: shelf.name, removed: free.length, bytes: free.reduce((sum, { bytes }) => sum + bytes, 0), keptForRuns: unused.length - free.length });
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
