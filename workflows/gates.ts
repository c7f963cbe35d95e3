import type { ByState, GateResult, PipelineResult } from '../activities/result.js';
import type { Bound, Gate, GateCondition, Quantity, ZeroShotMetric } from '../app/config/gate.js';
import { gapClosed } from './gap-closed.js';

/** The numbers that gates can check. */
export interface Judged extends Pick<PipelineResult, 'perplexity' | 'sparsity' | 'rebuild' | 'seconds'> {
  /** Accuracies by task, as fractions. */
  zeroShot?: ByState<Record<string, Partial<Record<ZeroShotMetric, number | null>>>>;
}

/** Judges every gate by the numbers of a result. The same result always gives the same outcome. */
export function judgeGates(gates: readonly Gate[], result: Judged): GateResult[] {
  return gates.map((gate) => {
    const { quantity, comparison } = gate;
    const found = numberOf(quantity, result) ?? null;
    const limit = limitOf(gate.bound, quantity, result) ?? null;
    const passed = found !== null && limit !== null && holds(comparison === 'within' ? Math.abs(found - result.sparsity.target) : found, comparison, limit);
    return { gate: gate.name ?? gate.check, asked: gate.check, quantity: quantity.kind, comparison, limit, found, passed };
  });
}

/** Returns a number of a result; undefined if the result does not have it. */
export function numberOf(quantity: Quantity, result: Judged): number | undefined {
  switch (quantity.kind) {
    case 'perplexity':
      return finite(result.perplexity[quantity.state]?.[quantity.dataset ?? '']);
    case 'zeroShot':
      return finite(result.zeroShot?.[quantity.state]?.[quantity.task]?.[quantity.metric]);
    case 'drop': {
      const { state, task, metric } = quantity;
      const dense = numberOf({ kind: 'zeroShot', state: 'dense', task, metric }, result);
      const other = numberOf({ kind: 'zeroShot', state, task, metric }, result);
      return dense === undefined || other === undefined ? undefined : dense - other;
    }
    case 'gapClosed': {
      const of = (state: 'dense' | 'initial' | 'rebuilt'): number | undefined => result.perplexity[state]?.[quantity.dataset ?? ''];
      return finite(gapClosed(of('dense'), of('initial'), of('rebuilt')));
    }
    case 'sparsity':
      return finite(result.sparsity.actual);
    case 'weights':
      return result.rebuild[quantity.change];
    case 'seconds':
      return result.seconds[quantity.stage];
  }
}

function limitOf(bound: Bound, quantity: Quantity, result: Judged): number | undefined {
  if ('value' in bound) return bound.value;
  if (quantity.kind !== 'perplexity' && quantity.kind !== 'zeroShot') return undefined;
  const other = numberOf({ ...quantity, state: bound.state }, result);
  return other === undefined ? undefined : bound.factor * other;
}

/** Users write decimals, but floats are compared: 0.60 - 0.58 must not count as more than 0.02. */
const rounding = 1e-12;

function holds(found: number, comparison: GateCondition['comparison'], limit: number): boolean {
  const isEqual = Math.abs(found - limit) <= rounding * Math.max(1, Math.abs(found), Math.abs(limit));
  switch (comparison) {
    case '<':
      return found < limit && !isEqual;
    case '>':
      return found > limit && !isEqual;
    case '<=':
    case 'within':
      return found <= limit || isEqual;
    case '>=':
      return found >= limit || isEqual;
  }
}

const finite = (value: number | null | undefined): number | undefined => (value !== undefined && value !== null && Number.isFinite(value) ? value : undefined);
