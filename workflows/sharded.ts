import type { Activities, ArtifactKey, InitialMaskResult, RunContext, TokensRef, UnitResult } from '../activities/types.js';
import type { InitialMaskStage } from '../app/config/pipeline.js';
import type { StageTracker } from './progress.js';

/** What a layer is worked on with whose windows are divided into shards. */
export interface ShardedRun {
  /** What is not of one shard. */
  activities: Activities;
  context: RunContext;
  tracker: StageTracker;
  /** All windows, and the same in parts. */
  whole: TokensRef;
  shards: readonly TokensRef[];
  /** The activities of each shard, where that shard is; waits while the run is paused. */
  places: () => Promise<Activities[]>;
}

/** Does the same for every shard, side by side, and notes the seconds. */
async function forEachShard<Result extends UnitResult>({ shards, places, tracker }: ShardedRun, work: (activities: Activities, tokens: TokensRef) => Promise<Result>): Promise<Result[]> {
  const there = await places();
  return Promise.all(shards.map(async (tokens, shard) => {
    const result = await work(there[shard], tokens);
    tracker.extra(result);
    return result;
  }));
}

/** Makes the first masks of the next layer: every shard is summed up where it is, and one worker adds the sums and chooses. */
export async function chooseFromShards(run: ShardedRun, stage: InitialMaskStage, before: readonly ArtifactKey[]): Promise<InitialMaskResult> {
  const { activities, context, whole, shards } = run;
  const layer = before.length;
  await forEachShard(run, (there, tokens) => there.gatherShard({ context, stage, layer, path: { tokens, masks: [...before] } }));
  return activities.chooseMask({ context, stage, layer, path: { tokens: whole, masks: [...before] }, shards: [...shards] });
}
