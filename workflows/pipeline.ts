import { ActivityFailure, ApplicationFailure, defineQuery, setHandler, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Activities, ArtifactKey, PrepareRunInput, RunContext } from '../activities/types.js';
import type { CalibrationStage, EvaluationStage, InitialMaskStage, ModelState, RebuildStage, Stage } from '../app/config/pipeline.js';
import { calibrationOf, scoreLinears } from './linear-scores.js';
import { withEndReport } from './run-end.js';
import { checkedCarried, continueRun, isContinuationDue, type Carried } from './continuation.js';
import { evaluatePerplexity } from './evaluation.js';
import { judgeGates } from './gates.js';
import { Incidents } from './incidents.js';
import type { Lane, Lanes } from './lanes.js';
import { Pause } from './pause.js';
import { Placement, type Seating } from './placement.js';
import { newProgress, StageTracker } from './progress.js';
import { progressQuery, soFarQuery, type PipelineProgress, type PipelineRequest, type PipelineResult, type RebuildEntry, type PartialResults } from './protocol.js';
import { asObject } from './as-object.js';
import { awaitRequestCheck } from './request-check.js';
import { gateMemo, labelKeys } from './run-labels.js';
import { newLayer, newState, type EvaluationPart, type MaskPart, type RebuildPart, type RunState } from './run-state.js';
import { chooseFromShards, rebuildFromShards, type ShardedRun } from './sharded.js';
import { partialResults } from './partial-results.js';
import { sumsByStage } from './stage-sums.js';
import { RunDetails } from './run-details.js';
import { TimelineKeeper } from './timeline.js';
import { evaluateZeroShot, zeroShotUnits } from './zero-shot.js';

/** Belongs to this run alone: every workflow execution has its own copy of this module. */
const pause = new Pause();
const incidents = new Incidents();
const details = new RunDetails();
const timeline = new TimelineKeeper();
const seating: Seating = {};

const placement = new Placement(seating, {
  // A layer of a large model on a CPU takes hours; the heartbeats show that work on it continues.
  startToCloseTimeout: '7 days',
  heartbeatTimeout: '10 seconds',
  retry: {
    initialInterval: '1 second',
    maximumInterval: '30 seconds',
    // A retry of the same activity would not find the artifact either. The workflow recomputes it.
    nonRetryableErrorTypes: ['ArtifactLostError'],
  },
}, {
  onBegin: (name, shard, detail) => details.summary(name, shard, detail),
  onEnd: (work) => timeline.add(details.stage, work),
  onMove: (cause, shard) => incidents.survived(shard === undefined ? 'The run went to another worker' : `Shard ${shard + 1} went to another worker`, cause),
});
const activities = pause.pausable(placement.activities);

/** How often a run may start over because a stored artifact was lost. It finds all finished work in the store. */
const maximumRestarts = 5;

/**
 * Runs a pipeline: its stages in order, each decoder layer of a stage as one activity. A long run continues as new between two
 * activities, so that its history stays far below the server's limit.
 * @param handedOn the state that the previous execution reached
 */
export async function pipeline(request: PipelineRequest, handedOn?: Carried): Promise<PipelineResult> {
  return await withEndReport(request, () => ({ timeline: timeline.soFar(), incidents: incidents.sorted() ?? [] }), () => runPipeline(request, handedOn));
}

async function runPipeline(request: PipelineRequest, handedOn?: Carried): Promise<PipelineResult> {
  const carried = checkedCarried(handedOn);
  const progress = carried?.progress ?? newProgress(request);
  const known: Partial<Pick<Carried, 'context' | 'state'>> = { ...(carried && { context: carried.context, state: carried.state }) };
  setHandler(defineQuery<PipelineProgress>(progressQuery), () => progress);
  setHandler(defineQuery<PartialResults>(soFarQuery), () => partialResults(known));
  pause.listen(progress, () => details.update());
  details.track(progress);
  incidents.listen(progress);
  Object.assign(seating, carried?.seating);
  timeline.begin(carried?.timeline, workflowInfo().startTime);
  const trackers = progress.stages.map((stage) => new StageTracker(stage));
  const context = (known.context ??= await prepare(request));
  for (const [index, tracker] of trackers.entries()) tracker.plan(context.planned?.[index]);
  let state = (known.state ??= newState(context.model.source));
  for (let restarts = carried?.restarts ?? 0; ; restarts++) {
    const continueAsNewIfDue = async (isWithinLayer = false): Promise<void> => {
      if (isContinuationDue(isWithinLayer)) await continueRun(request, { context, state, progress, seating, restarts, timeline: timeline.soFar() });
    };
    try {
      return await new PipelineRun(request, context, state, trackers, continueAsNewIfDue).run();
    } catch (error) {
      if (!isArtifactLost(error) || restarts === maximumRestarts) throw error;
      incidents.survived('A lost artifact is recomputed', error.cause);
      state = known.state = newState(context.model.source);
    }
  }
}

/** Has a worker check the whole request before anything else. The workflow must not trust the request before that. */
async function prepare(request: PipelineRequest): Promise<RunContext> {
  const { configDigest, anew } = asObject(request);
  const { workflowId } = workflowInfo();
  return await awaitRequestCheck(activities.prepareRun({ ...inputOf(asObject(request)), configDigest: configDigest ?? null, ...(anew !== undefined && { anew }), workflowId }));
}

/** Returns the input for `prepareRun`. A run that repeats a locked run is compared with it. */
function inputOf({ pipeline, folder, lock }: PipelineRequest): PrepareRunInput {
  return { pipeline, ...(folder !== undefined && { folder }), ...(lock !== undefined && { lock }) };
}

function isArtifactLost(error: unknown): error is ActivityFailure {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'ArtifactLostError';
}

function makesMasks({ type }: Stage): boolean {
  return type === 'initialMask' || type === 'rebuild';
}

/** One pass over the remaining stages, from the point that the state records. */
class PipelineRun {
  private context: RunContext;

  constructor(
    private readonly request: PipelineRequest,
    private readonly original: RunContext,
    private readonly state: RunState,
    private readonly trackers: readonly StageTracker[],
    /** Called where the run may continue as new. */
    private readonly continueAsNewIfDue: (isWithinLayer?: boolean) => Promise<void>,
  ) {
    this.context = original;
  }

  async run(): Promise<PipelineResult> {
    const { request: { pipeline: { stages }, anew }, state } = this;
    const lastMaking = stages.findLastIndex(makesMasks);
    for (; state.stage < stages.length; state.stage++) {
      await this.continueAsNewIfDue();
      const stage = stages[state.stage];
      const tracker = this.trackers[state.stage];
      if (anew !== undefined && state.stage >= anew.from) this.context = { ...this.original, notBefore: anew.since };
      // Places of shards may be long gone when a later stage is done: nobody waits for them then.
      if (!this.maySpread()) placement.withoutShards();
      await this.runStage(stage, tracker);
      if (state.stage === lastMaking) {
        placement.withoutShards();
        await this.writeOutputs(tracker);
      }
      tracker.end();
      delete state.part;
    }
    return this.finish();
  }

  /** Returns the progress of the current stage. @param units the stage's number of units of work @param fresh the progress at its beginning */
  private partOf<Part extends NonNullable<RunState['part']>>(tracker: StageTracker, units: number, fresh: Part): Part {
    if (this.state.part === undefined) {
      tracker.begin(units);
      this.state.part = fresh;
    }
    // Only the stage that is running can have set it.
    return this.state.part as Part;
  }

  /** Whether several workers may work on the current stage. */
  private maySpread(): boolean {
    return this.context.sharded?.includes(this.state.stage) === true;
  }

  private runStage(stage: Stage, tracker: StageTracker): Promise<void> {
    switch (stage.type) {
      case 'calibration':
        return this.calibrate(stage, tracker);
      case 'initialMask':
        return this.makeInitialMasks(stage, tracker);
      case 'rebuild':
        return this.rebuildMasks(stage, tracker);
      case 'evaluation':
        return this.evaluate(stage, tracker);
    }
  }

  private async calibrate(stage: CalibrationStage, tracker: StageTracker): Promise<void> {
    tracker.begin(1);
    const sampled = await activities.sampleCalibration({ context: this.context, stage });
    this.state.tokens = sampled.tokens;
    delete this.state.shards;
    if (sampled.shards !== undefined) this.state.shards = sampled.shards;
    tracker.finishUnit(sampled);
  }

  private async makeInitialMasks(stage: InitialMaskStage, tracker: StageTracker): Promise<void> {
    const { context } = this;
    const { allocation } = stage;
    const part = this.partOf<MaskPart>(tracker, context.model.layers, { scored: false, masks: [], layers: [], linears: [] });
    const { masks } = part;
    const { tokens } = this.state;
    if (allocation !== undefined && !part.scored) await scoreLinears({ activities, context, tracker, tokens }, allocation);
    part.scored = true;
    // The activity knows whether its allocation needs the tokens.
    const scored = allocation === undefined || tokens === undefined ? {} : { scoredOn: tokens };
    while (masks.length < context.model.layers) {
      await this.continueAsNewIfDue();
      const layer = masks.length;
      tracker.setDetail(`layer ${layer}`);
      // The activity knows whether its method needs the path.
      const path = tokens === undefined ? {} : { path: { tokens, masks: [...masks] } };
      const sharded = this.sharded(tracker);
      const made = sharded === undefined ? await activities.makeInitialMask({ context, stage, layer, ...path, ...scored }) : await chooseFromShards(sharded, stage, masks);
      masks.push(made.mask);
      part.layers.push(made.sparsity);
      part.linears.push(...made.entries);
      tracker.finishUnit(made);
    }
    await this.prove(stage, masks, tracker);
    this.state.masks = { initial: masks };
    this.state.initialMask = { layers: part.layers, linears: part.linears };
  }

  /** Returns what the current stage needs to work from shards, or undefined if it does not. */
  private sharded(tracker: StageTracker): ShardedRun | undefined {
    const { context, state: { tokens, shards } } = this;
    if (tokens === undefined || shards === undefined || !this.maySpread()) return undefined;
    const places: ShardedRun['places'] = async (isFirst) => {
      await pause.waitWhilePaused();
      return { there: await placement.forShards(shards.length, isFirst), workers: placement.workers };
    };
    return { activities, context, tracker, whole: tokens, shards, places, continueAsNewIfDue: () => this.continueAsNewIfDue(true) };
  }

  private async rebuildMasks(stage: RebuildStage, tracker: StageTracker): Promise<void> {
    const { context } = this;
    const part = this.partOf<RebuildPart>(tracker, context.model.layers, { masks: [], entries: [] });
    const { masks, entries } = part;
    const start = this.finalMasks();
    while (masks.length < context.model.layers) {
      await this.continueAsNewIfDue();
      const layer = masks.length;
      tracker.setDetail(`layer ${layer}`);
      const path = { tokens: calibrationOf(this.state.tokens), masks: [...masks] };
      const sharded = this.sharded(tracker);
      const rebuilt = sharded === undefined ? await activities.rebuildLayer({ context, stage, layer, path, start: start[layer] }) : await rebuildFromShards(sharded, stage, masks, start[layer], part.layer ??= newLayer());
      delete part.layer;
      masks.push(rebuilt.mask);
      entries.push(...rebuilt.entries);
      tracker.rebuilt(rebuilt.entries);
      tracker.finishUnit(rebuilt);
    }
    await this.prove(stage, masks, tracker);
    this.state.masks.rebuilt = masks;
    const total = (count: (entry: RebuildEntry) => number): number => entries.reduce((sum, entry) => sum + count(entry), 0);
    this.state.rebuild = { grown: total((entry) => entry.grown), pruned: total((entry) => entry.pruned), layers: entries };
  }

  private async evaluate(stage: EvaluationStage, tracker: StageTracker): Promise<void> {
    const { context, state } = this;
    const continueAsNewIfDue = (): Promise<void> => this.continueAsNewIfDue();
    const units = stage.perplexity.length * stage.states.length * (context.model.layers + 1) + zeroShotUnits(stage, context.model.layers);
    const part = this.partOf<EvaluationPart>(tracker, units, { text: 0, state: 0, zeroShot: { questions: [], state: 0, scores: {} } });
    const run = { activities, context, stage, tracker, lanes: this.lanes(tracker), continueAsNewIfDue, masksOf: (of: ModelState) => this.masksOf(of) };
    await evaluatePerplexity(run, part, state.perplexity);
    if (stage.zeroShot === undefined) return;
    await evaluateZeroShot({ ...run, workflowId: workflowInfo().workflowId }, part.zeroShot);
    for (const of of stage.states) state.zeroShot[of] = { ...state.zeroShot[of], ...part.zeroShot.scores[of] };
  }

  /** Returns the workers of an evaluation: all that the run has if its calibration is in shards, otherwise one. */
  private lanes(tracker: StageTracker): Lanes {
    const { shards } = this.state;
    const shown = (of: (detail: string) => Activities): Lane => (detail) => {
      tracker.setDetail(detail);
      return of(detail);
    };
    if (shards === undefined || !this.maySpread()) return () => Promise.resolve([shown(() => activities)]);
    return async (most) => {
      await pause.waitWhilePaused();
      const places = await placement.onPlaces(most, shards.length);
      tracker.setWorkers(places.length);
      return places.map((of) => shown((detail) => pause.pausable(of(detail))));
    };
  }

  /** Returns the masks of all layers for a state of the model. */
  private masksOf(state: ModelState): (ArtifactKey | null)[] {
    return state === 'dense' ? new Array<null>(this.context.model.layers).fill(null) : (this.state.masks[state] ?? []);
  }

  private finalMasks(): ArtifactKey[] {
    return this.state.masks.rebuilt ?? this.state.masks.initial ?? [];
  }

  /** Has the masks of a stage counted again, by code other than the code that made them. */
  private async prove(stage: InitialMaskStage | RebuildStage, masks: ArtifactKey[], tracker: StageTracker): Promise<void> {
    tracker.setDetail('proving the masks');
    await activities.proveMasks({ context: this.context, stage, masks, start: this.finalMasks() });
  }

  /** Writes and proves the mask and the checkpoint as soon as the masks are final, before the evaluation and the gates. */
  private async writeOutputs(tracker: StageTracker): Promise<void> {
    const { context } = this;
    const { workflowId } = workflowInfo();
    tracker.setDetail('writing mask and checkpoint');
    const outputs = await activities.writeOutputs({ context, workflowId, masks: this.finalMasks() });
    tracker.setDetail('proving the checkpoint');
    const { keep } = this.request.pipeline.outputs ?? {};
    const { proof, digests, kept } = await activities.proveOutputs({ context, workflowId, outputs, ...(keep !== undefined && { keep }) });
    this.state.outputs = { ...outputs, proof, digests, ...(kept !== undefined && { kept }) };
  }

  /** Assembles the result, checks its gates, and writes the report. */
  private async finish(): Promise<PipelineResult> {
    const { context, request, state: { outputs, perplexity, zeroShot, initialMask, rebuild } } = this;
    const { workflowId } = workflowInfo();
    const happened = incidents.sorted();
    const made: PipelineResult = {
      name: request.pipeline.name,
      configDigest: request.configDigest,
      engine: context.engine,
      model: context.model,
      checkpoint: outputs.checkpoint,
      mask: outputs.mask,
      proof: outputs.proof,
      ...(outputs.digests !== undefined && { digests: outputs.digests }),
      ...(outputs.kept !== undefined && { kept: outputs.kept }),
      report: '',
      pattern: context.pattern,
      sparsity: { target: context.sparsity, actual: outputs.pruned / context.model.prunable },
      perplexity,
      ...(Object.keys(zeroShot).length > 0 && { zeroShot }),
      initialMask,
      rebuild,
      ...sumsByStage(this.trackers.map(({ progress: stage }) => stage), this.original),
      timeline: timeline.soFar(),
      ...(happened && { incidents: happened }),
    };
    const gates = judgeGates(request.pipeline.gates ?? [], made);
    const result = gates.length === 0 ? made : { ...made, gates };
    const written = await activities.writeReport({ workflowId, ...inputOf(request), context, result });
    const whole: PipelineResult = { ...result, ...(typeof written === 'string' ? { report: written } : written) };
    details.update();
    const isGood = whole.gates?.every(({ passed }) => passed) ?? true;
    if (whole.gates !== undefined) label(isGood ? 'passed' : 'failed');
    const { publish } = request.pipeline.outputs ?? {};
    if (publish === undefined || !isGood) return whole;
    const { repository, url, commit } = await activities.publishOutputs({ workflowId, result: whole, target: publish });
    return { ...whole, published: { repository, url, commit } };
  }
}

/** Shows the outcome of the gates where runs are listed and searched. The server accepts only an attribute that the run was started with. */
function label(gate: 'passed' | 'failed'): void {
  upsertMemo({ [gateMemo]: gate });
  if (workflowInfo().typedSearchAttributes.get(labelKeys.gate) !== undefined) upsertSearchAttributes([{ key: labelKeys.gate, value: gate }]);
}
