import type { Activities, ArtifactKey, InitialMaskResult, Path, RebuildResult, RunContext, TokensRef, UnitResult } from '../activities/types.js';
import type { InitialMaskStage, RebuildStage } from '../app/config/pipeline.js';
import type { StageTracker } from './progress.js';
import { shardsDone } from './telling.js';

/** What the work on a layer needs when its windows are divided into shards. */
export interface ShardedRun {
  /** Activities that do not belong to a single shard. */
  activities: Activities;
  context: RunContext;
  tracker: StageTracker;
  /** All windows. `shards` holds the same windows in parts. */
  whole: TokensRef;
  shards: readonly TokensRef[];
  /**
   * Returns the activities of each shard, on that shard's worker. Waits while the run is paused.
   * @param isFirst whether a layer begins. Only then may the run ask for more workers
   */
  places: (isFirst: boolean) => Promise<{ there: Activities[]; workers: number }>;
}

type Work<Result> = (activities: Activities, tokens: TokensRef) => Promise<Result>;

/** Runs `work` for all shards of a layer in parallel. Records the seconds and reports how many shards are done. */
async function forEachShard<Result extends UnitResult>({ shards, places, tracker }: ShardedRun, { layer, isFirst }: { layer: number; isFirst: boolean }, work: Work<Result>): Promise<Result[]> {
  const { there, workers } = await places(isFirst);
  tracker.sideBySide(workers);
  let done = 0;
  const results = await Promise.all(shards.map(async (tokens, shard) => {
    const result = await work(there[shard], tokens);
    tracker.extra(result);
    tracker.working(`layer ${layer}${shardsDone(++done, shards.length)}`);
    return result;
  }));
  tracker.working(`layer ${layer}`);
  return results;
}

/** Makes the initial masks of the next layer: each shard's worker computes its sums, then one worker adds them up and chooses the masks. */
export async function chooseFromShards(run: ShardedRun, stage: InitialMaskStage, before: readonly ArtifactKey[]): Promise<InitialMaskResult> {
  const { activities, context, whole, shards } = run;
  const layer = before.length;
  await forEachShard(run, { layer, isFirst: true }, (there, tokens) => there.gatherShard({ context, stage, layer, path: { tokens, masks: [...before] } }));
  return activities.chooseMask({ context, stage, layer, path: { tokens: whole, masks: [...before] }, shards: [...shards] });
}

/**
 * Rebuilds the next layer, sub-block by sub-block: each shard's worker computes its sums, then one worker adds them up and swaps. Finally
 * every shard runs through the layer under its new masks to measure the errors.
 * @param start the masks that the rebuild begins with
 */
export async function rebuildFromShards(run: ShardedRun, stage: RebuildStage, before: readonly ArtifactKey[], start: ArtifactKey): Promise<RebuildResult> {
  const { activities, context, tracker, whole, shards } = run;
  const layer = before.length;
  const common = { context, stage, layer, start };
  const pathOf = (tokens: TokensRef): Path => ({ tokens, masks: [...before] });
  const all = { ...common, path: pathOf(whole), shards: [...shards] };
  let current = start;
  let spent = 0;
  for (let block = 0, left = 1; left > 0; block++) {
    const gathered = await forEachShard(run, { layer, isFirst: block === 0 }, (there, tokens) => there.gatherSubBlock({ ...common, path: pathOf(tokens), block, current }));
    if (gathered.every(({ made }) => made)) return activities.closeLayer({ ...all, current: start, errors: [], spent: 0 });
    const rebuilt = await activities.rebuildSubBlock({ ...all, block, current });
    tracker.extra(rebuilt);
    spent += secondsOf([...gathered, rebuilt]);
    ({ mask: current, left } = rebuilt);
  }
  const finished = await forEachShard(run, { layer, isFirst: false }, (there, tokens) => there.finishShard({ ...common, path: pathOf(tokens), current }));
  return activities.closeLayer({ ...all, current, errors: finished.map(({ errors }) => errors), spent: spent + secondsOf(finished) });
}

const secondsOf = (results: readonly UnitResult[]): number => results.reduce((sum, { seconds }) => sum + seconds, 0);
