/** A run that goes on, as its page shows it. Pure: the same facts give the same view. */
import type { ModelState, Pipeline } from '../../config/pipeline.js';
import type { Incident, PipelineProgress, PipelineResult, RunSoFar, StageProgress } from '../../../workflows/protocol.js';
import { stageNames } from '../costs-table.js';
import { moneyText } from '../money.js';
import { progressView, type ProgressView } from './progress-view.js';
import type { ErrorsView } from './run-view.js';

/** What is known of a run. */
export interface LiveInput {
  name: string;
  /** As lists have it: `running`, `paused`, `completed`, ... */
  status: string;
  /** Whether a worker serves it. */
  served: boolean;
  progress?: PipelineProgress;
  soFar?: RunSoFar;
  pipeline?: Pipeline;
  /** Of a run that has ended well. */
  result?: PipelineResult;
}

export interface LiveView extends ProgressView {
  title: string;
  state: { word: string; kind: 'live' | 'good' | 'bad' | 'plain' };
  /** What is in flight. */
  doing: string;
  isOpen: boolean;
  isPaused: boolean;
  stages: LiveStage[];
  /** Errors of the layers that are rebuilt, by kind of sub-block; a layer that is still to come has NaN. */
  errors: ErrorsView[];
  /** Geometric mean of after / before, over the sub-blocks that are rebuilt. */
  errorRatio?: number;
  perplexity?: { dataset: string; state: ModelState; value: number };
  /** Money, at the price of an hour: so far, and at the end if that can be told. */
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
  const { name, progress, soFar, pipeline, result } = input;
  const stages = progress?.stages ?? (result === undefined ? [] : endedStages(result));
  const overall = progressView({ stages });
  const entries = result?.rebuild.layers ?? soFar?.rebuild ?? stages.flatMap(({ latest }) => latest ?? []);
  const ratio = meanRatio(entries);
  const perplexity = latestPerplexity(result?.perplexity ?? soFar?.perplexity ?? {});
  return {
    ...overall,
    title: name,
    state: stateOf(input),
    isOpen: ['running', 'paused'].includes(input.status),
    isPaused: progress?.pause !== undefined || input.status === 'paused',
    doing: doing(progress),
    stages: stages.map(stageOf),
    errors: errorsOf(entries, (result ?? soFar?.about)?.model.layers),
    ...(ratio !== undefined && { errorRatio: ratio }),
    ...(perplexity && { perplexity }),
    ...priceOf(overall, pipeline),
    incidents: progress?.incidents ?? result?.incidents ?? [],
  };
}

/** Of a run that nobody asked while it went on: its result knows the time of each kind of stage. */
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

type Entry = Pick<RunSoFar['rebuild'][number], 'layer' | 'block' | 'errorBefore' | 'errorAfter'>;

/** @param layers of the model, if they are known: the axis then has a place for each from the beginning */
function errorsOf(entries: readonly Entry[], layers: number | undefined): ErrorsView[] {
  const most = layers ?? Math.max(0, ...entries.map(({ layer }) => layer + 1));
  const all = Array.from({ length: most }, (_, layer) => layer);
  return [...new Set(entries.map(({ block }) => block))].map((block) => {
    const own = new Map(entries.filter((entry) => entry.block === block).map((entry) => [entry.layer, entry]));
    return { block, layers: all, before: all.map((layer) => own.get(layer)?.errorBefore ?? NaN), after: all.map((layer) => own.get(layer)?.errorAfter ?? NaN) };
  });
}

/** A sub-block whose error is gone has no logarithm, and is left out. */
function meanRatio(entries: readonly Entry[]): number | undefined {
  const logs = entries.map(({ errorBefore, errorAfter }) => Math.log(errorAfter / errorBefore)).filter(Number.isFinite);
  return logs.length === 0 ? undefined : Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

/** Of the model's last state that is judged, on the first text. */
function latestPerplexity(perplexity: RunSoFar['perplexity']): LiveView['perplexity'] {
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
