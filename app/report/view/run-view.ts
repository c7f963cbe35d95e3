/** A run with its numbers in the structure of its page. Pure: the same result gives the same view. */
import type { Proof } from '../../../files/masks/index.js';
import { layerOf } from '../../../files/masks/index.js';
import { gapClosed } from '../../../workflows/gap-closed.js';
import type { ModelState } from '../../config/pipeline.js';
import type { PipelineResult, RebuildEntry } from '../../../workflows/protocol.js';
import { failedGates } from '../gates.js';
import { changeView, type ChangeView } from './change-view.js';
import { kindOf, sortedKinds } from './linear-kinds.js';
import { states } from '../states.js';
import { mergeExperts } from '../sub-blocks.js';
import { timelineView, type TimelineView } from './timeline-view.js';

export interface RunView {
  title: string;
  /** `gateFailed`: the run is complete, but a quality gate failed. */
  state: 'done' | 'gateFailed';
  /** By dataset, in the order of the file. */
  perplexity: PerplexityView[];
  sparsity?: { asked: number; found: number; pattern: string };
  /** Numbers of prunable weights, from the proof. */
  weights?: { kept: number; all: number };
  errors: ErrorsView[];
  rounds: RoundsView[];
  map?: SparsityMap;
  /** Absent if nothing was rebuilt. */
  change?: ChangeView;
  /** Absent if it was not recorded. */
  timeline?: TimelineView;
  /** Seconds of work in all stages. */
  seconds: number;
  files: FileView[];
}

export interface PerplexityView {
  dataset: string;
  states: { state: ModelState; value: number }[];
  /** Share of the initial mask's damage that the rebuild undid; 1 is all of it. */
  gap?: number;
}

/** Errors of one kind of sub-block over the layers. */
export interface ErrorsView {
  block: string;
  layers: number[];
  before: number[];
  after: number[];
}

/** The held-out error of a sub-block over the rounds, as shares of the first. */
export interface RoundsView {
  layer: number;
  block: string;
  points: { share: number; accepted: boolean }[];
}

/** Share of zeros by layer and kind of linear. */
export interface SparsityMap {
  layers: number[];
  kinds: string[];
  /** By layer, then by kind; undefined if a layer has no such linear. */
  cells: (LinearView | undefined)[][];
  /** Sparsity of each layer, and the sparsity of its initial mask if the result has it. */
  whole: number[];
  initial: (number | undefined)[];
  asked: number;
  /** Largest distance of a linear's sparsity from the requested one. */
  reach: number;
}

export interface LinearView {
  name: string;
  kind: string;
  sparsity: number;
  zeros: number;
  weights: number;
  /** Minimum and maximum number of zeros in a row. */
  rows: readonly [number, number];
}

export interface FileView {
  /** Relative to the page. */
  path: string;
  bytes?: number;
  sha256?: string;
}

/** @param proof of the checkpoint, if anything was pruned */
export function runView(result: PipelineResult, proof: Proof | undefined): RunView {
  const { name, sparsity, pattern, seconds, rebuild } = result;
  const map = proof && sparsityMap(proof, result);
  const entries = mergeExperts(rebuild.layers);
  const change = changeView(entries, map);
  const timeline = timelineView(result.timeline, result.incidents ?? []);
  return {
    title: name,
    state: failedGates(result).length > 0 ? 'gateFailed' : 'done',
    perplexity: perplexities(result),
    ...(proof && { sparsity: { asked: sparsity.target, found: sparsity.actual, pattern }, weights: { kept: proof.weights - proof.zeros, all: proof.weights } }),
    errors: errorsOf(entries),
    rounds: entries.flatMap(roundsOf),
    ...(map && { map }),
    ...(change && { change }),
    ...(timeline && { timeline }),
    seconds: seconds.total,
    files: filesOf(proof),
  };
}

function perplexities({ perplexity }: PipelineResult): PerplexityView[] {
  const datasets = [...new Set(states.flatMap((state) => Object.keys(perplexity[state] ?? {})))];
  return datasets.map((dataset) => {
    const valueOf = (state: ModelState): number | undefined => perplexity[state]?.[dataset];
    const gap = gapClosed(valueOf('dense'), valueOf('initial'), valueOf('rebuilt'));
    const judged = states.flatMap((state) => {
      const value = valueOf(state);
      return value === undefined ? [] : [{ state, value }];
    });
    return { dataset, states: judged, ...(gap !== undefined && { gap }) };
  });
}

function errorsOf(entries: readonly RebuildEntry[]): ErrorsView[] {
  const blocks = [...new Set(entries.map(({ block }) => block))];
  return blocks.map((block) => {
    const own = entries.filter((entry) => entry.block === block);
    return {
      block,
      layers: own.map(({ layer }) => layer),
      before: own.map(({ errorBefore }) => errorBefore),
      after: own.map(({ errorAfter }) => errorAfter),
    };
  });
}

/**
 * Each round is judged on its own fold of the windows, so the shares of rounds are multiplied. A round that was undone shows the error that
 * it would have had.
 */
function roundsOf({ layer, block, rounds = [] }: RebuildEntry): RoundsView[] {
  if (rounds.length === 0) return [];
  let share = 1;
  const points = [{ share, accepted: true }];
  for (const { errorBefore, error, accepted } of rounds) {
    // If the error before was almost 0, the ratio cannot be shown.
    const factor = error / errorBefore;
    const next = Number.isFinite(share * factor) ? share * factor : share;
    points.push({ share: next, accepted });
    if (accepted) share = next;
  }
  return [{ layer, block, points }];
}

function sparsityMap({ linears }: Proof, { sparsity: { target: asked }, initialMask }: PipelineResult): SparsityMap {
  const views = oneOfEachKind(linears.map(({ name, zeros, weights, rowZeros }) => ({ name, layer: layerOf(name) ?? 0, kind: kindOf(name), sparsity: zeros / weights, zeros, weights, rows: rowZeros })));
  const layers = [...new Set(views.map(({ layer }) => layer))].sort((a, b) => a - b);
  const kinds = sortedKinds(views.map(({ kind }) => kind));
  const at = new Map(views.map((view) => [`${view.layer} ${view.kind}`, view]));
  return {
    layers, kinds, asked,
    whole: layers.map((layer) => shareOf(views.filter((view) => view.layer === layer))),
    initial: layers.map((layer) => initialMask.layers.at(layer)),
    cells: layers.map((layer) => kinds.map((kind) => at.get(`${layer} ${kind}`))),
    reach: Math.max(0, ...views.map(({ sparsity }) => Math.abs(sparsity - asked))),
  };
}

/** Combines the linears of one kind in a layer, because its experts have many. */
function oneOfEachKind(views: readonly (LinearView & { layer: number })[]): (LinearView & { layer: number })[] {
  const together = new Map<string, LinearView & { layer: number }>();
  for (const view of views) {
    const key = `${view.layer} ${view.kind}`;
    const before = together.get(key);
    const both = before && { zeros: before.zeros + view.zeros, weights: before.weights + view.weights, rows: [Math.min(before.rows[0], view.rows[0]), Math.max(before.rows[1], view.rows[1])] as const };
    together.set(key, both === undefined ? view : { ...view, ...both, sparsity: both.zeros / both.weights });
  }
  return [...together.values()];
}

/** Share of zeros among all weights. */
function shareOf(linears: readonly { zeros: number; weights: number }[]): number {
  const sum = (key: 'zeros' | 'weights'): number => linears.reduce((total, linear) => total + linear[key], 0);
  return sum('zeros') / sum('weights');
}

function filesOf(proof: Proof | undefined): FileView[] {
  const proved = proof === undefined ? [] : [...proof.files, ...(proof.mask ? [proof.mask] : [])];
  return [
    ...proved.map(({ file, bytes, sha256 }) => ({ path: file, bytes, sha256 })),
    ...(proof === undefined ? [] : [{ path: 'proof.json' }]),
    { path: 'result.json' },
    { path: 'report.md' },
  ];
}
