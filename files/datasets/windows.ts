import { TooFewTokensError } from './errors.js';
import { uniformIntegers } from './random.js';

export interface WindowRequest {
  /** Number of windows. */
  samples: number;
  /** Tokens per window. */
  sequenceLength: number;
  /** `sequential`: the first windows, one after the other. `random`: windows begin anywhere and may overlap. */
  sampling: 'sequential' | 'random';
  /** For `random` sampling; an integer. */
  seed: number;
  /** Number of tokens to skip at the start of the stream. */
  skipTokens?: number;
}

/**
 * Cuts windows out of a stream of tokens. Random starts are uniform over all positions at which a whole window fits. Sample i begins at
 * the i-th number of `uniformIntegers(seed, ...)`, so a larger number of samples with the same seed begins with the same windows.
 *
 * @returns `[samples, sequenceLength]`, flattened
 * @throws TooFewTokensError
 */
export function cutWindows(ids: ArrayLike<number>, request: WindowRequest): Int32Array {
  const { samples, sequenceLength, sampling, seed, skipTokens = 0 } = request;
  const needed = sampling === 'sequential' ? samples * sequenceLength : sequenceLength;
  if (ids.length - skipTokens < needed) throw tooFew(ids.length, skipTokens, sequenceLength, needed, sampling === 'sequential' ? samples : 1);
  return gather(ids, starts(), sequenceLength);

  function starts(): number[] {
    if (sampling === 'sequential') return sequence(samples, skipTokens, sequenceLength);
    const offsets = uniformIntegers(seed, ids.length - skipTokens - sequenceLength + 1);
    return Array.from({ length: samples }, () => skipTokens + offsets.next().value);
  }
}

/**
 * Cuts a stream of tokens into windows, one after the other. Drops tokens at the end that do not fill a window.
 *
 * @param options.skipTokens number of tokens to skip at the start of the stream
 * @param options.maxWindows maximum number of windows
 * @returns `[windows, sequenceLength]`, flattened
 * @throws TooFewTokensError if not one window fits
 */
export function cutAllWindows(
  ids: ArrayLike<number>,
  { sequenceLength, skipTokens, maxWindows = Infinity }: { sequenceLength: number; skipTokens: number; maxWindows?: number },
): Int32Array {
  const windows = Math.min(Math.floor((ids.length - skipTokens) / sequenceLength), maxWindows);
  if (windows < 1) throw tooFew(ids.length, skipTokens, sequenceLength, sequenceLength, 1);
  return gather(ids, sequence(windows, skipTokens, sequenceLength), sequenceLength);
}

function sequence(windows: number, skipTokens: number, sequenceLength: number): number[] {
  return Array.from({ length: windows }, (_, i) => skipTokens + i * sequenceLength);
}

function gather(ids: ArrayLike<number>, starts: readonly number[], sequenceLength: number): Int32Array {
  const windows = new Int32Array(starts.length * sequenceLength);
  for (const [i, start] of starts.entries()) {
    for (let t = 0; t < sequenceLength; t++) windows[i * sequenceLength + t] = ids[start + t];
  }
  return windows;
}

function tooFew(tokens: number, skipTokens: number, sequenceLength: number, needed: number, samples: number): TooFewTokensError {
  const left = Math.max(tokens - skipTokens, 0);
  const skipped = skipTokens === 0 ? '' : `, ${left} after the ${skipTokens} skipped`;
  const fitting = Math.floor(left / sequenceLength);
  const fits = fitting > 0
    ? `${fitting} ${fitting === 1 ? 'window' : 'windows'} of ${sequenceLength}`
    : left > 0 ? `one window of ${left}` : 'no window';
  return new TooFewTokensError({
    what: `the text has ${tokens} tokens${skipped}`,
    expected: `${needed} for ${samples} ${samples === 1 ? 'window' : 'windows'} of ${sequenceLength}; ${fits} would fit`,
    remedy: 'Use a longer text, fewer or shorter windows, or skip fewer tokens',
  });
}
