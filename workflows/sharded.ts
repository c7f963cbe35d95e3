import type { Activities, ArtifactKey, InitialMaskResult, Path, RebuildResult, RunContext, TokensRef, UnitResult } from '../activities/types.js';
import type { CloseLayerInput } from '../activities/shards/types.js';
import type { InitialMaskStage, RebuildStage } from '../app/config/pipeline.js';
import { allOrNone } from './all-or-none.js';
import type { StageTracker } from './progress.js';
import { shardsDone } from './run-details.js';
import type { LayerSteps } from './run-state.js';

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
  /** Called between two steps of a layer, where the run may continue as new. */
  continueAsNewIfDue: () => Promise<void>;
}

type Work<Result> = (activities: Activities, tokens: TokensRef) => Promise<Result>;

/** Runs `work` for all shards of a layer in parallel. Records the seconds and reports how many shards are done. */
async function forEachShard<Result extends UnitResult>({ shards, places, tracker }: ShardedRun, { layer, isFirst }: { layer: number; isFirst: boolean }, work: Work<Result>): Promise<Result[]> {
  const { there, workers } = await places(isFirst);
  tracker.setWorkers(workers);
  let done = 0;
  const results = await allOrNone(shards.map((tokens, shard) => async () => {
    const result = await work(there[shard], tokens);
    tracker.recordWork(result);
    tracker.setDetail(`layer ${layer}${shardsDone(++done, shards.length)}`);
    return result;
  }));
  tracker.setDetail(`layer ${layer}`);
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
 * Rebuilds the next layer, sub-block by sub-block, each in one or more steps. In a step, each shard's worker computes its sums. Then one worker
 * adds them up and chooses: the masks of the sub-block, or a state from which the next step begins. Finally every shard runs through the
 * layer under its new masks to measure the errors.
 * @param start the masks that the rebuild begins with
 * @param done what is known of the layer. Updated after every step
 */
export async function rebuildFromShards(run: ShardedRun, stage: RebuildStage, before: readonly ArtifactKey[], start: ArtifactKey, done: LayerSteps): Promise<RebuildResult> {
  const { activities, context, tracker, whole, shards } = run;
  const { blocks, states } = done;
  const layer = before.length;
  const common = { context, stage, layer, start };
  const pathOf = (tokens: TokensRef): Path => ({ tokens, masks: [...before] });
  const all = { ...common, path: pathOf(whole), shards: [...shards] };
  const close = (finished?: CloseLayerInput['finished']): Promise<RebuildResult> =>
    activities.closeLayer({ ...all, blocks: [...blocks], ...(states.some(({ length }) => length > 0) && { states }), ...(finished && { finished }) });
  while (done.left > 0) {
    await run.continueAsNewIfDue();
    const steps = states[blocks.length];
    const step = { blocks: [...blocks], ...(steps.length > 0 && { state: steps.at(-1) }) };
    const isFirst = blocks.length === 0 && steps.length === 0;
    const gathered = await forEachShard(run, { layer, isFirst }, (there, tokens) => there.gatherSubBlock({ ...common, path: pathOf(tokens), ...step }));
    // Another run of this store has made the layer meanwhile.
    if (gathered.some(({ made }) => made)) return close();
    const rebuilt = await activities.rebuildSubBlock({ ...all, ...step });
    if (rebuilt.made) return close();
    tracker.recordWork(rebuilt);
    done.seconds += secondsOf([...gathered, rebuilt]);
    if ('state' in rebuilt) {
      steps.push(rebuilt.state);
      continue;
    }
    blocks.push(rebuilt.mask);
    states.push([]);
    done.left = rebuilt.left;
  }
  await run.continueAsNewIfDue();
  const finished = await forEachShard(run, { layer, isFirst: false }, (there, tokens) => there.finishShard({ ...common, path: pathOf(tokens), blocks: [...blocks] }));
  if (finished.some(({ made }) => made)) return close();
  const errors = finished.map((one) => (one.made ? [] : one.errors));
  return close({ errors, seconds: done.seconds + secondsOf(finished) });
}

const secondsOf = (results: readonly UnitResult[]): number => results.reduce((sum, { seconds }) => sum + seconds, 0);
