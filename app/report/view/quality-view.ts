/** The quality of a sweep's members in one number, over their sparsity and over their cost. */
import { memberName } from '../../config/index.js';
import type { Pipeline } from '../../config/pipeline.js';
import type { GateResult } from '../../../workflows/protocol.js';
import type { SweepRow } from '../../../workflows/sweep-protocol.js';
import { states } from '../states.js';
import { paretoFront, type Better } from './front.js';
import { isFiniteNumber } from './is-finite-number.js';

export interface QualityView {
  kind: 'perplexity' | 'accuracy';
  /** For a perplexity, the text that it was measured on. */
  dataset?: string;
  /** The dense model's number, if it is the same for all members. */
  dense?: number;
  /** For an accuracy, the number that guessing reaches, if it is the same for all members. */
  chance?: number;
  /** The price of an hour. */
  cost?: NonNullable<Pipeline['cost']>;
  /** The limits of quality gates on this number, if they are the same for all members. */
  limits: number[];
  points: QualityPoint[];
  /** Whether the members differ in sparsity, so that a chart over it is useful. */
  spread: boolean;
}

export interface QualityPoint {
  member: string;
  /** The number of the last evaluated state. */
  value: number;
  /** The number of the initial mask, if that is not the last state. */
  initial?: number | undefined;
  sparsity?: number;
  seconds?: number;
  /** All values except sparsities. Members of one line differ only in sparsity. */
  line: string;
  /** Requested sparsity and pattern. Members with the same request can be compared by their cost. */
  asked: string;
  /** A quality gate failed. */
  missed: boolean;
  /** No other member is at least as sparse and better, or at least as good and sparser. Sparsities are compared to a tenth of a percent. */
  front: boolean;
  /** No other member with the same request costs at most as much and is better, or is at least as good and cheaper. */
  worth: boolean;
}

/** Rounds to a tenth of a percent: because of rounding, members with the same request differ by a weight or two. */
const roughly = (sparsity: number): number => Math.round(1000 * sparsity);
/** Members whose sparsities differ by at most this count as equally sparse, in tenths of a percent. */
const minSpread = 2;

/** A row of a sweep. A row of a search also has the results of its gates. */
export type JudgedRow = SweepRow & { gates?: readonly GateResult[] };

/** Returns a view for each text, and one for the mean accuracy; none if no member has such a number. */
export function qualityViews(rows: readonly JudgedRow[], cost?: Pipeline['cost']): QualityView[] {
  const ended = rows.filter(({ status }) => status === 'done' || status === 'gateFailed');
  const priced = cost === undefined ? {} : { cost };
  const datasets = [...new Set(ended.flatMap(({ perplexity }) => states.flatMap((state) => Object.keys(perplexity?.[state] ?? {}))))];
  const perplexities = datasets.map((dataset) => viewOf(ended, { kind: 'perplexity', dataset, ...priced }, (row, state) => row.perplexity?.[state]?.[dataset]));
  const chances = new Set(ended.map(({ chance }) => chance));
  const [chance] = chances;
  const accuracy = viewOf(ended, { kind: 'accuracy', ...priced, ...(chances.size === 1 && isFiniteNumber(chance) && { chance }) }, (row, state) => row.accuracy?.[state]);
  return [...perplexities, accuracy].filter(({ points }) => points.length > 0);
}

function viewOf(rows: readonly JudgedRow[], about: Pick<QualityView, 'kind' | 'dataset' | 'chance' | 'cost'>, valueOf: (row: SweepRow, state: (typeof states)[number]) => number | undefined): QualityView {
  const better: Better = about.kind === 'perplexity' ? 'less' : 'more';
  const points = rows.flatMap((row): QualityPoint[] => {
    const [initial, rebuilt] = [valueOf(row, 'initial'), valueOf(row, 'rebuilt')];
    const value = rebuilt ?? initial;
    if (!isFiniteNumber(value)) return [];
    return [{
      member: row.name, value, ...(isFiniteNumber(rebuilt) && isFiniteNumber(initial) && { initial }),
      ...(isFiniteNumber(row.sparsity) && { sparsity: row.sparsity }), ...(isFiniteNumber(row.seconds) && { seconds: row.seconds }),
      ...groupsOf(row), missed: row.status === 'gateFailed', front: false, worth: false,
    }];
  });
  const denses = new Set(rows.map((row) => valueOf(row, 'dense')));
  const [dense] = denses;
  const shares = points.flatMap(({ sparsity }) => (sparsity === undefined ? [] : roughly(sparsity)));
  return {
    ...about, ...(denses.size === 1 && isFiniteNumber(dense) && { dense }), limits: limitsOf(rows, points),
    points: withFronts(points, better), spread: Math.max(...shares) - Math.min(...shares) > minSpread,
  };
}

/** A gate is on this number if it found the same value in every member. */
function limitsOf(rows: readonly JudgedRow[], points: readonly QualityPoint[]): number[] {
  const values = new Map(points.map(({ member, value }) => [member, value]));
  const found = new Map<string, (number | null)[]>();
  for (const { name, gates = [] } of rows) {
    for (const gate of gates) if (gate.found !== null && gate.found === values.get(name)) found.set(gate.gate, [...(found.get(gate.gate) ?? []), gate.limit]);
  }
  const shared = [...found.values()].filter((limits) => limits.length === points.length && new Set(limits).size === 1).flatMap(([limit]) => (isFiniteNumber(limit) ? limit : []));
  return [...new Set(shared)];
}

function groupsOf({ values }: SweepRow): Pick<QualityPoint, 'line' | 'asked'> {
  const isSparsity = (path: string): boolean => path.endsWith('.sparsity');
  const those = (wanted: (path: string) => boolean): string => memberName(Object.fromEntries(Object.entries(values).filter(([path]) => wanted(path)))) || 'all members';
  return { line: those((path) => !isSparsity(path)), asked: those((path) => isSparsity(path) || path.endsWith('.pattern')) };
}

function withFronts(points: readonly QualityPoint[], better: Better): QualityPoint[] {
  const marked = points.map((point) => ({ ...point }));
  const mark = (those: readonly QualityPoint[], x: 'sparsity' | 'seconds', which: Better, as: 'front' | 'worth'): void => {
    const placed = those.flatMap((point) => {
      const place = x === 'sparsity' && point.sparsity !== undefined ? roughly(point.sparsity) : point[x];
      return place === undefined ? [] : [{ point, at: [place, point.value] as const }];
    });
    const front = paretoFront(placed.map(({ at }) => at), [which, better]);
    for (const [index, { point }] of placed.entries()) point[as] = front[index];
  };
  mark(marked, 'sparsity', 'more', 'front');
  for (const asked of new Set(marked.map((point) => point.asked))) mark(marked.filter((point) => point.asked === asked), 'seconds', 'less', 'worth');
  return marked;
}
