/** A running pipeline as its page shows it. Pure: the same facts give the same view. */
import type { ModelState, Pipeline } from '../../config/pipeline.js';
import type { Incident, PipelineProgress, PipelineResult, PartialResults, StageProgress } from '../../../workflows/protocol.js';
import { stageNames } from '../costs-table.js';
import { moneyText } from '../money.js';
import { progressView, type ProgressView } from './progress-view.js';
import type { ErrorsView } from './run-view.js';
import { mergeExperts } from '../sub-blocks.js';

/** What is known about a run. */
export interface LiveInput {
  name: string;
  /** As in lists: `running`, `paused`, `completed`, ... */
  status: string;
  /** Whether a worker serves the run. */
  served: boolean;
  progress?: PipelineProgress;
  partialResults?: PartialResults;
  pipeline?: Pipeline;
  /** Result of a run that is complete. */
  result?: PipelineResult;
}

export interface LiveView extends ProgressView {
  title: string;
  state: { word: string; kind: 'live' | 'good' | 'bad' | 'plain' };
  /** Describes what is in flight. */
  doing: string;
  isOpen: boolean;
  isPaused: boolean;
  stages: LiveStage[];
  /** Errors of the rebuilt layers, by kind of sub-block; NaN for a layer that is not rebuilt yet. */
  errors: ErrorsView[];
  /** Geometric mean of after / before, over the rebuilt sub-blocks. */
  errorRatio?: number;
  perplexity?: { dataset: string; state: ModelState; value: number };
  /** Cost in money, from the price of an hour: so far, and at the end if that can be estimated. */
  price?: { soFar: string; atEnd?: string };
  incidents: Incident[];
}

export interface LiveStage {
  name: string;
  state: StageProgress['state'];
  share: number;
  done: number;
  total: number;
  detail: string;
  seconds: number;
  reused: number;
  secondsLeft?: number;
  planned?: number;
}

export function liveView(input: LiveInput): LiveView {
  const { name, progress, partialResults, pipeline, result } = input;
  const stages = progress?.stages ?? (result === undefined ? [] : endedStages(result));
  const overall = progressView({ stages });
  const entries = mergeExperts(result?.rebuild.layers ?? partialResults?.rebuild ?? stages.flatMap(({ latest }) => latest ?? []));
  const ratio = meanRatio(entries);
  const perplexity = latestPerplexity(result?.perplexity ?? partialResults?.perplexity ?? {});
  return {
    ...overall,
    title: name,
    state: stateOf(input),
    isOpen: ['running', 'paused'].includes(input.status),
    isPaused: progress?.pause !== undefined || input.status === 'paused',
    doing: doing(progress),
    stages: stages.map(stageOf),
    errors: errorsOf(entries, (result ?? partialResults?.about)?.model.layers),
    ...(ratio !== undefined && { errorRatio: ratio }),
    ...(perplexity && { perplexity }),
    ...priceOf(overall, pipeline),
    incidents: progress?.incidents ?? result?.incidents ?? [],
  };
}

/** For a run that nobody watched: its result has the time of each kind of stage. */
function endedStages({ seconds }: PipelineResult): StageProgress[] {
  const types = (Object.keys(stageNames) as StageProgress['type'][]).filter((type) => seconds[type] > 0);
  return types.map((type) => ({ type, state: 'done', done: 0, total: 0, detail: '', seconds: seconds[type], reused: 0 }));
}

function stateOf({ status, served, progress, result }: LiveInput): LiveView['state'] {
  if (status === 'running' && progress?.pause !== undefined) return { word: progress.pause === 'asked' ? 'pausing' : 'paused', kind: 'plain' };
  if (status === 'running') return served ? { word: 'running', kind: 'live' } : { word: 'waiting for a worker', kind: 'plain' };
  if (status === 'completed') return { word: 'done', kind: result?.gates?.some(({ passed }) => !passed) === true ? 'bad' : 'good' };
  return { word: status, kind: status === 'failed' || status === 'gate failed' || status === 'timed out' ? 'bad' : 'plain' };
}

function doing(progress: PipelineProgress | undefined): string {
  const running = progress?.stages.find(({ state }) => state === 'running');
  if (running === undefined) return progress?.preparing ?? '';
  return [stageNames[running.type], running.detail].filter((word) => word !== '').join(', ');
}

function stageOf({ type, state, done, total, detail, seconds, reused, secondsLeft, planned }: StageProgress): LiveStage {
  const share = state === 'done' ? 1 : total === 0 ? 0 : Math.min(1, done / total);
  return { name: stageNames[type] ?? String(type), state, share, done, total, detail, seconds, reused, ...(secondsLeft !== undefined && { secondsLeft }), ...(planned !== undefined && { planned }) };
}

type Entry = Pick<PartialResults['rebuild'][number], 'layer' | 'block' | 'errorBefore' | 'errorAfter'>;

/** @param layers number of layers of the model, if known; then the axis has a place for each from the start */
function errorsOf(entries: readonly Entry[], layers: number | undefined): ErrorsView[] {
  const most = layers ?? Math.max(0, ...entries.map(({ layer }) => layer + 1));
  const all = Array.from({ length: most }, (_, layer) => layer);
  return [...new Set(entries.map(({ block }) => block))].map((block) => {
    const own = new Map(entries.filter((entry) => entry.block === block).map((entry) => [entry.layer, entry]));
    return { block, layers: all, before: all.map((layer) => own.get(layer)?.errorBefore ?? NaN), after: all.map((layer) => own.get(layer)?.errorAfter ?? NaN) };
  });
}

/** A sub-block with an error of 0 has no logarithm, so it is left out. */
function meanRatio(entries: readonly Entry[]): number | undefined {
  const logs = entries.map(({ errorBefore, errorAfter }) => Math.log(errorAfter / errorBefore)).filter(Number.isFinite);
  return logs.length === 0 ? undefined : Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

/** Perplexity of the last evaluated state of the model, on the first text. */
function latestPerplexity(perplexity: PartialResults['perplexity']): LiveView['perplexity'] {
  for (const state of ['rebuilt', 'initial', 'dense'] as const) {
    const [first] = Object.entries(perplexity[state] ?? {});
    if (first !== undefined) return { dataset: first[0], state, value: first[1] };
  }
  return undefined;
}

function priceOf({ spent, left }: ProgressView, pipeline: Pipeline | undefined): Pick<LiveView, 'price'> {
  const soFar = pipeline && moneyText(spent, pipeline);
  if (pipeline === undefined || soFar === undefined) return {};
  const atEnd = left === undefined ? undefined : moneyText(spent + left, pipeline);
  return { price: { soFar, ...(atEnd !== undefined && { atEnd }) } };
}
