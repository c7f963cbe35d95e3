import { CancellationScope } from '@temporalio/workflow';
import type { Activities, ArtifactKey, InitialMaskResult, Path, RebuildResult, RunContext, TokensRef, UnitResult } from '../activities/types.js';
import type { InitialMaskStage, RebuildStage } from '../app/config/pipeline.js';
import type { StageTracker } from './progress.js';
import { shardsDone } from './telling.js';

/** What a layer is worked on with whose windows are divided into shards. */
export interface ShardedRun {
  /** What is not of one shard. */
  activities: Activities;
  context: RunContext;
  tracker: StageTracker;
  /** All windows, and the same in parts. */
  whole: TokensRef;
  shards: readonly TokensRef[];
  /** The activities of each shard, where that shard is; waits while the run is paused. @param isFirst whether a layer begins, so that more workers may be asked for */
  places: (isFirst: boolean) => Promise<{ there: Activities[]; workers: number }>;
}

type Work<Result> = (activities: Activities, tokens: TokensRef) => Promise<Result>;

/** Does the same for every shard of a layer, side by side, notes the seconds, and says how many are done. */
async function forEachShard<Result extends UnitResult>({ shards, places, tracker }: ShardedRun, { layer, isFirst }: { layer: number; isFirst: boolean }, work: Work<Result>): Promise<Result[]> {
  const { there, workers } = await places(isFirst);
  tracker.sideBySide(workers);
  let done = 0;
  const results = await allOrNone(shards.map((tokens, shard) => async () => {
    const result = await work(there[shard], tokens);
    tracker.extra(result);
    tracker.working(`layer ${layer}${shardsDone(++done, shards.length)}`);
    return result;
  }));
  tracker.working(`layer ${layer}`);
  return results;
}

/**
 * Does everything side by side. When one fails, the others are cancelled, and it waits for their end: nothing of them may go on beside
 * a run that starts over.
 * @throws the first error
 */
async function allOrNone<Result>(works: readonly (() => Promise<Result>)[]): Promise<Result[]> {
  const scope = new CancellationScope();
  return scope.run(async () => {
    const inFlight = works.map((work) => work());
    try {
      return await Promise.all(inFlight);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(inFlight);
      throw error;
    }
  });
}

/** Makes the first masks of the next layer: every shard is summed up where it is, and one worker adds the sums and chooses. */
export async function chooseFromShards(run: ShardedRun, stage: InitialMaskStage, before: readonly ArtifactKey[]): Promise<InitialMaskResult> {
  const { activities, context, whole, shards } = run;
  const layer = before.length;
  await forEachShard(run, { layer, isFirst: true }, (there, tokens) => there.gatherShard({ context, stage, layer, path: { tokens, masks: [...before] } }));
  return activities.chooseMask({ context, stage, layer, path: { tokens: whole, masks: [...before] }, shards: [...shards] });
}

/**
 * Rebuilds the next layer, sub-block by sub-block: every shard is summed up where it is, and one worker adds the sums and swaps. Then every
 * shard goes through the layer under its new masks, and says how large the errors are.
 * @param start the masks that the rebuild begins with
 */
export async function rebuildFromShards(run: ShardedRun, stage: RebuildStage, before: readonly ArtifactKey[], start: ArtifactKey): Promise<RebuildResult> {
  const { activities, context, tracker, whole, shards } = run;
  const layer = before.length;
  const common = { context, stage, layer, start };
  const pathOf = (tokens: TokensRef): Path => ({ tokens, masks: [...before] });
  const all = { ...common, path: pathOf(whole), shards: [...shards] };
  const blocks: ArtifactKey[] = [];
  let seconds = 0;
  /** If another run of this store has made the layer meanwhile. */
  const found = (): Promise<RebuildResult> => activities.closeLayer({ ...all, blocks });
  for (let left = 1; left > 0;) {
    const block = blocks.length;
    const current = blocks.at(-1) ?? start;
    const gathered = await forEachShard(run, { layer, isFirst: block === 0 }, (there, tokens) => there.gatherSubBlock({ ...common, path: pathOf(tokens), block, current }));
    if (gathered.some(({ made }) => made)) return found();
    const rebuilt = await activities.rebuildSubBlock({ ...all, block, current });
    if (rebuilt.made) return found();
    tracker.extra(rebuilt);
    seconds += secondsOf([...gathered, rebuilt]);
    blocks.push(rebuilt.mask);
    ({ left } = rebuilt);
  }
  const current = blocks.at(-1) ?? start;
  const finished = await forEachShard(run, { layer, isFirst: false }, (there, tokens) => there.finishShard({ ...common, path: pathOf(tokens), current }));
  if (finished.some(({ made }) => made)) return found();
  const errors = finished.map((one) => (one.made ? [] : one.errors));
  return activities.closeLayer({ ...all, blocks, finished: { errors, seconds: seconds + secondsOf(finished) } });
}

const secondsOf = (results: readonly UnitResult[]): number => results.reduce((sum, { seconds }) => sum + seconds, 0);
