/** Selects the largest scores in each iteration of ADMM, on the host or on the device. Both make the same choice. */
import { setImmediate as macrotask } from 'node:timers/promises';
import { selectsOnDevice, tf, type Tensor2D } from '../../engine/index.js';
import { budgetOfRows, isPattern, pruneBudget, type AdmmBudget } from './admm-budget.js';
import { pruneSmallestOnDevice } from './device-prune.js';
import { checkFinite } from './finite.js';
import { checkFiniteOnDevice } from './finite-on-device.js';
import { downloadMask } from './mask-set.js';
import { uploadMask } from './masked-weights.js';

/** Some rows of the scores. */
export interface Rows {
  /** Index of the first row. */
  row: number;
  /** `[rows, in]` */
  state: Tensor2D;
}

export interface Selection {
  /** Prunes the smallest scores, as many as a share of the budget allows. Ties go to the lower position. */
  choose: (chunks: readonly Rows[], share: number) => Promise<void>;
  /** Returns the last choice for some rows, float32 `[rows, in]`, 1 = kept. Before the first choice all are kept. The caller disposes it. */
  kept: (chunk: Rows) => Tensor2D;
  /** Returns the last choice `[out, in]`, 1 = kept. */
  mask: () => Uint8Array;
  /** @throws NonFiniteScoreError */
  check: (chunks: readonly Rows[], subject: string) => Promise<void>;
  dispose: () => void;
}

export function selectionOf(budget: AdmmBudget, shape: readonly [number, number]): Selection {
  return selectsOnDevice() ? onDevice(budget, shape) : onHost(budget, shape);
}

function onHost(budget: AdmmBudget, [outputs, inputs]: readonly [number, number]): Selection {
  const mask = new Uint8Array(outputs * inputs).fill(1);
  const scores = new Float32Array(outputs * inputs);
  return {
    choose: async (chunks, share) => {
      for (const { row, state } of chunks) scores.set(await state.data<'float32'>(), row * inputs);
      pruneBudget(scores, inputs, budget, share, mask);
    },
    kept: ({ row, state }) => uploadMask<Tensor2D>(mask.subarray(row * inputs, row * inputs + state.size), state.shape),
    mask: () => mask,
    check: (_, subject) => {
      checkFinite(scores, inputs, subject);
      return Promise.resolve();
    },
    dispose: () => undefined,
  };
}

function onDevice(budget: AdmmBudget, [, inputs]: readonly [number, number]): Selection {
  let masks = new Map<number, Tensor2D>();
  const dispose = (): void => { tf.dispose([...masks.values()]); };
  return {
    choose: async (chunks, share) => {
      const chosen = tf.tidy(() => chooseOnDevice(chunks, inputs, budget, share));
      dispose();
      masks = new Map(chunks.map(({ row }, i) => [row, chosen[i]]));
      // Lets a cancellation take effect.
      await macrotask();
    },
    kept: ({ row, state }) => masks.get(row)?.clone() ?? tf.onesLike(state),
    mask: () => {
      const whole = tf.concat([...masks.values()], 0);
      const mask = downloadMask(whole);
      whole.dispose();
      return mask;
    },
    check: async (chunks, subject) => {
      for (const { state } of chunks) await checkFiniteOnDevice(state, subject);
    },
    dispose,
  };
}

function chooseOnDevice(chunks: readonly Rows[], inputs: number, budget: AdmmBudget, share: number): Tensor2D[] {
  if (isPattern(budget)) {
    const { of, keep } = budget;
    return chunks.map(({ state }) => pruneSmallestOnDevice(state.reshape<Tensor2D>([state.size / of, of]), of - keep).reshape<Tensor2D>(state.shape));
  }
  const counts = budgetOfRows(budget, share);
  return chunks.map(({ row, state }) => pruneSmallestOnDevice(state.reshape<Tensor2D>([state.size / inputs, inputs]), counts.slice(row, row + state.shape[0])));
}
