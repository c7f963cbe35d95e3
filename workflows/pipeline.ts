import { ActivityFailure, ApplicationFailure, defineQuery, setHandler, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ArtifactKey, PrepareRunInput, ProveOutputsResult, RunContext, TokensRef } from '../activities/types.js';
import type { Allocation, CalibrationStage, EvaluationStage, InitialMaskStage, ModelState, RebuildStage, Stage } from '../config/pipeline.js';
import { judgeGates } from './gates.js';
import { Incidents } from './incidents.js';
import { Pause } from './pause.js';
import { placedActivities } from './placement.js';
import { newProgress, StageTracker } from './progress.js';
import { readable } from './readable.js';
import { refusing } from './refusing.js';
import { progressQuery, type ByDataset, type ByState, type InitialMaskEntry, type PipelineProgress, type PipelineRequest, type PipelineResult, type RebuildEntry } from './protocol.js';
import { datasetLabels } from './dataset-labels.js';
import { gateMemo, labelKeys } from './run-labels.js';
import { evaluateZeroShot, zeroShotUnits } from './zero-shot.js';

/** Of this run alone: every workflow execution has a copy of this module of its own. */
const pause = new Pause();
const incidents = new Incidents();

const activities = pause.between(placedActivities({
  // A layer of a large model on a CPU takes hours; that somebody still works on it is what the heartbeats are for.
  startToCloseTimeout: '7 days',
  heartbeatTimeout: '10 seconds',
  retry: {
    initialInterval: '1 second',
    maximumInterval: '30 seconds',
    // Another attempt of the same activity would not find the artifact either; the workflow makes it again.
    nonRetryableErrorTypes: ['ArtifactLostError'],
  },
}, (cause) => {
  incidents.survived('The run went to another worker', cause);
}));

/** How often a run starts over (finding all finished work in the store) because a stored artifact was lost. */
const maximumRestarts = 5;

/** Runs a pipeline: its stages in order, each decoder layer of a stage as one activity. */
export async function pipeline(request: PipelineRequest): Promise<PipelineResult> {
  const progress = newProgress(request);
  setHandler(defineQuery<PipelineProgress>(progressQuery), () => progress);
  pause.listen(progress);
  incidents.listen(progress);
  const trackers = progress.stages.map((stage) => new StageTracker(stage));
  const context = await prepare(request);
  for (let restarts = 0; ; restarts++) {
    try {
      return await new PipelineRun(request, context, trackers).run();
    } catch (error) {
      if (!isArtifactLost(error) || restarts === maximumRestarts) throw error;
      incidents.survived('What was lost is made again', error.cause);
    }
  }
}

/** Has a worker check the whole request before anything else. Nothing here may rely on it before that. */
async function prepare(request: PipelineRequest): Promise<RunContext> {
  const { configDigest, anew } = readable(request);
  const { workflowId } = workflowInfo();
  return await refusing(activities.prepareRun({ ...inputOf(readable(request)), configDigest: configDigest ?? null, ...(anew !== undefined && { anew }), workflowId }));
}

/** A run that repeats a locked one is held against it. */
function inputOf({ pipeline, folder, lock }: PipelineRequest): PrepareRunInput {
  return { pipeline, ...(folder !== undefined && { folder }), ...(lock !== undefined && { lock }) };
}

function isArtifactLost(error: unknown): error is ActivityFailure {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'ArtifactLostError';
}

function makesMasks({ type }: Stage): boolean {
  return type === 'initialMask' || type === 'rebuild';
}

/** How often an allocation runs through all layers before the masks are made. */
function scoringPasses(allocation: Pick<Allocation, 'method'> | undefined): number {
  if (allocation === undefined) return 0;
  return allocation.method === 'sensitivity' ? 2 : 1;
}

/** The state of one pass over the stages: references to what the stages so far have made. */
class PipelineRun {
  private tokens: TokensRef | undefined;
  /** One mask per decoder layer, once the stage has run. */
  private masks: { initial?: ArtifactKey[]; rebuilt?: ArtifactKey[] } = {};
  private readonly perplexity: ByState<ByDataset> = {};
  private readonly zeroShot: NonNullable<PipelineResult['zeroShot']> = {};
  private initialMask: PipelineResult['initialMask'] = { layers: [], linears: [] };
  private rebuild: PipelineResult['rebuild'] = { grown: 0, pruned: 0, layers: [] };

  private outputs: Pick<PipelineResult, 'checkpoint' | 'mask' | 'proof'> & { pruned: number } & Partial<Pick<ProveOutputsResult, 'digests'>>;

  constructor(
    private readonly request: PipelineRequest,
    private context: RunContext,
    private readonly trackers: readonly StageTracker[],
  ) {
    // A pipeline that only evaluates leaves the model as it is.
    this.outputs = { checkpoint: context.model.source, mask: '', proof: '', pruned: 0 };
  }

  async run(): Promise<PipelineResult> {
    const { pipeline: { stages }, anew } = this.request;
    const lastMaking = stages.findLastIndex(makesMasks);
    for (const [index, stage] of stages.entries()) {
      const tracker = this.trackers[index];
      if (index === anew?.from) this.context = { ...this.context, notBefore: anew.since };
      await this.runStage(stage, tracker);
      if (index === lastMaking) await this.writeOutputs(tracker);
      tracker.end();
    }
    return this.finish();
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
    this.tokens = sampled.tokens;
    tracker.unit(sampled);
  }

  private async makeInitialMasks(stage: InitialMaskStage, tracker: StageTracker): Promise<void> {
    const { context } = this;
    const { allocation } = stage;
    tracker.begin(context.model.layers * (1 + scoringPasses(allocation)));
    const scored = allocation === undefined ? {} : { scoredOn: await this.score(allocation, tracker) };
    const masks: ArtifactKey[] = [];
    const layers: number[] = [];
    const linears: InitialMaskEntry[] = [];
    const calibrated = stage.method === 'wanda' || stage.method === 'sparsegpt';
    for (let layer = 0; layer < context.model.layers; layer++) {
      tracker.working(`layer ${layer}`);
      const path = calibrated ? { path: { tokens: this.calibration(), masks: [...masks] } } : {};
      const made = await activities.makeInitialMask({ context, stage, layer, ...path, ...scored });
      masks.push(made.mask);
      layers.push(made.sparsity);
      linears.push(...made.entries);
      tracker.unit(made);
    }
    await this.prove(stage, masks, tracker);
    this.masks = { initial: masks };
    this.initialMask = { layers, linears };
  }

  /** Scores all linears of the dense model. @returns the calibration that they were scored on */
  private async score({ method }: Allocation, tracker: StageTracker): Promise<TokensRef> {
    const { context } = this;
    const tokens = this.calibration();
    const layers = Array.from({ length: context.model.layers }, (_, layer) => layer);
    if (await activities.findScores({ context, method, tokens })) {
      for (let unit = 0; unit < layers.length * scoringPasses({ method }); unit++) tracker.unit({ seconds: 0, reused: true });
      return tokens;
    }
    if (method === 'sensitivity') {
      for (const layer of layers) {
        tracker.working(`dense, layer ${layer}`);
        const path = { tokens, masks: new Array<null>(layer).fill(null) };
        tracker.unit(await activities.advanceLayer({ context, layer, path, mask: null, keep: true }));
      }
    }
    // The gradient of the loss comes from the last layer; everything else from the first.
    for (const layer of method === 'sensitivity' ? layers.toReversed() : layers) {
      tracker.working(`scoring, layer ${layer}`);
      tracker.unit(await activities.scoreLayer({ context, method, tokens, layer }));
    }
    return tokens;
  }

  private async rebuildMasks(stage: RebuildStage, tracker: StageTracker): Promise<void> {
    const { context } = this;
    tracker.begin(context.model.layers);
    const start = this.finalMasks();
    const masks: ArtifactKey[] = [];
    const entries: RebuildEntry[] = [];
    for (let layer = 0; layer < context.model.layers; layer++) {
      tracker.working(`layer ${layer}`);
      const path = { tokens: this.calibration(), masks: [...masks] };
      const rebuilt = await activities.rebuildLayer({ context, stage, layer, path, start: start[layer] });
      masks.push(rebuilt.mask);
      entries.push(...rebuilt.entries);
      tracker.rebuilt(rebuilt.entries);
      tracker.unit(rebuilt);
    }
    await this.prove(stage, masks, tracker);
    this.masks.rebuilt = masks;
    const total = (count: (entry: RebuildEntry) => number): number => entries.reduce((sum, entry) => sum + count(entry), 0);
    this.rebuild = { grown: total((entry) => entry.grown), pruned: total((entry) => entry.pruned), layers: entries };
  }

  private async evaluate(stage: EvaluationStage, tracker: StageTracker): Promise<void> {
    const { context } = this;
    tracker.begin(stage.perplexity.length * stage.states.length * (context.model.layers + 1) + zeroShotUnits(stage, context.model.layers));
    const labels = datasetLabels(stage.perplexity.map(({ dataset }) => dataset));
    for (const [index, task] of stage.perplexity.entries()) {
      const { tokens, seconds } = await activities.sampleEvaluation({ context, task });
      tracker.extra(seconds);
      for (const state of stage.states) {
        const scores = (this.perplexity[state] ??= {});
        scores[labels[index]] = await this.perplexityOf(state, tokens, tracker);
      }
    }
    if (stage.zeroShot === undefined) return;
    const { workflowId } = workflowInfo();
    const found = await evaluateZeroShot({ activities, context, stage, tracker, workflowId, masksOf: (state) => this.masksOf(state) });
    for (const state of stage.states) this.zeroShot[state] = { ...this.zeroShot[state], ...found[state] };
  }

  /** Masks of all layers of a state of the model. */
  private masksOf(state: ModelState): (ArtifactKey | null)[] {
    return state === 'dense' ? new Array<null>(this.context.model.layers).fill(null) : (this.masks[state] ?? []);
  }

  private async perplexityOf(state: ModelState, tokens: TokensRef, tracker: StageTracker): Promise<number> {
    const { context } = this;
    const layers = context.model.layers;
    const masks = this.masksOf(state);
    const whole = { tokens, masks };
    tracker.working(state);
    const known = await activities.findPerplexity({ context, path: whole });
    if (known !== null) {
      tracker.unit(known);
      for (let layer = 0; layer < layers; layer++) tracker.unit({ seconds: 0, reused: true });
      return known.perplexity;
    }
    for (let layer = 0; layer < layers; layer++) {
      const path = { tokens, masks: masks.slice(0, layer) };
      tracker.working(`${state}, layer ${layer}`);
      tracker.unit(await activities.advanceLayer({ context, layer, path, mask: masks[layer] ?? null }));
    }
    tracker.working(`${state}, scoring`);
    const score = await activities.scorePerplexity({ context, path: whole });
    tracker.unit(score);
    return score.perplexity;
  }

  private calibration(): TokensRef {
    if (this.tokens === undefined) throw ApplicationFailure.nonRetryable('There is no calibration stage before this one.', 'StageOrderError');
    return this.tokens;
  }

  private finalMasks(): ArtifactKey[] {
    return this.masks.rebuilt ?? this.masks.initial ?? [];
  }

  /** Has the masks of a stage counted again, by code that did not make them. */
  private async prove(stage: InitialMaskStage | RebuildStage, masks: ArtifactKey[], tracker: StageTracker): Promise<void> {
    tracker.working('proving the masks');
    await activities.proveMasks({ context: this.context, stage, masks, start: this.finalMasks() });
  }

  /** Writes and proves mask and checkpoint as soon as the masks are final, before they are judged. */
  private async writeOutputs(tracker: StageTracker): Promise<void> {
    const { context } = this;
    const { workflowId } = workflowInfo();
    tracker.working('writing mask and checkpoint');
    const outputs = await activities.writeOutputs({ context, workflowId, masks: this.finalMasks() });
    tracker.working('proving the checkpoint');
    const { proof, digests } = await activities.proveOutputs({ context, workflowId, outputs });
    this.outputs = { ...outputs, proof, digests };
  }

  /** Puts the result together, judges it, and writes the report. */
  private async finish(): Promise<PipelineResult> {
    const { context, request, outputs } = this;
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
      report: '',
      pattern: context.pattern,
      sparsity: { target: context.sparsity, actual: outputs.pruned / context.model.prunable },
      perplexity: this.perplexity,
      ...(Object.keys(this.zeroShot).length > 0 && { zeroShot: this.zeroShot }),
      initialMask: this.initialMask,
      rebuild: this.rebuild,
      seconds: this.seconds(),
      reused: this.trackers.reduce((sum, { progress }) => sum + progress.reused, 0),
      ...(happened && { incidents: happened }),
    };
    const gates = judgeGates(request.pipeline.gates ?? [], made);
    const result = gates.length === 0 ? made : { ...made, gates };
    const written = await activities.writeReport({ workflowId, ...inputOf(request), context, result });
    if (gates.length > 0) label(gates.every(({ passed }) => passed) ? 'passed' : 'failed');
    return { ...result, ...(typeof written === 'string' ? { report: written } : written) };
  }

  private seconds(): PipelineResult['seconds'] {
    const seconds = { calibration: 0, initialMask: 0, rebuild: 0, evaluation: 0, total: 0 };
    for (const { progress } of this.trackers) {
      seconds[progress.type] += progress.seconds;
      seconds.total += progress.seconds;
    }
    return seconds;
  }
}

/** Says what became of the gates where runs are listed and searched. The server takes only an attribute that the run was started with. */
function label(gate: 'passed' | 'failed'): void {
  upsertMemo({ [gateMemo]: gate });
  if (workflowInfo().typedSearchAttributes.get(labelKeys.gate) !== undefined) upsertSearchAttributes([{ key: labelKeys.gate, value: gate }]);
}
