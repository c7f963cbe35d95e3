/**
 * A second opinion on masks, run after every stage: it counts, one weight at a time, and shares nothing with the code that
 * selects. A mask that does not keep its budget stops the run instead of reaching a checkpoint.
 */
import type { Granularity } from '../config/pipeline.js';
import { MaskBudgetError } from './errors.js';
import { patternText } from './pattern.js';
import type { Pattern, Shape } from './pattern.js';
import { floorShare } from './share.js';

/** A linear's mask, row-major `[out, in]`, 1 = kept. */
export interface LinearMask {
  name: string;
  shape: Shape;
  mask: Uint8Array;
}

/** What shares a budget; `pattern` groups are the M consecutive inputs of N:M. */
type Group = Granularity | 'pattern';

/**
 * Checks an initial mask: every group has exactly `floor(size * sparsity)` zeros, or with N:M exactly M - N.
 *
 * @param groups what shares a budget where the pattern is unstructured: `layer` for magnitude, `output` for Wanda
 * @throws MaskBudgetError
 */
export function checkInitialMask(
  linear: LinearMask,
  target: { sparsity: number; pattern: Pattern },
  groups: 'layer' | 'output',
): void {
  const { pattern } = target;
  if (pattern.kind === 'N:M') return checkPattern(linear, pattern);
  checkBits(linear);
  for (const { label, zeros, size } of countZeros([linear], groups, 0)) {
    const expected = floorShare(size, target.sparsity);
    if (zeros !== expected) throw new MaskBudgetError({ where: label, what: `${zeros} of ${size} weights are pruned`, expected: `${expected}` });
  }
}

/**
 * Checks rebuilt masks of one sub-block: every group of the granularity has as many zeros as before, and with N:M every
 * group of M inputs has M - N.
 *
 * @param before, after the same linears in the same order
 * @throws MaskBudgetError
 */
export function checkRebuiltMasks(
  before: readonly LinearMask[],
  after: readonly LinearMask[],
  settings: { granularity: Granularity; pattern: Pattern },
): void {
  const { pattern } = settings;
  if (pattern.kind === 'N:M') {
    for (const linear of after) checkPattern(linear, pattern);
    return;
  }
  for (const linear of after) checkBits(linear);
  const old = countZeros(before, settings.granularity, 0);
  const now = countZeros(after, settings.granularity, 0);
  if (old.length !== now.length) {
    throw new MaskBudgetError({ what: `${now.length} groups after the rebuild`, expected: `${old.length} as before` });
  }
  now.forEach(({ label, zeros, size }, index) => {
    const expected = old[index];
    if (zeros !== expected.zeros || size !== expected.size) {
      throw new MaskBudgetError({
        where: label,
        what: `${zeros} of ${size} weights are pruned after the rebuild`,
        expected: `${expected.zeros} of ${expected.size} as before`,
      });
    }
  });
}

/**
 * Checks that of every M consecutive inputs of every row exactly N are kept. Says nothing of `unstructured`.
 *
 * @throws MaskBudgetError
 */
export function checkPattern(linear: LinearMask, pattern: Pattern): void {
  checkBits(linear);
  if (pattern.kind === 'unstructured') return;
  for (const { label, zeros, size } of countZeros([linear], 'pattern', pattern.of)) {
    if (size !== pattern.of || size - zeros !== pattern.keep) {
      throw new MaskBudgetError({ where: label, what: `${size - zeros} of ${size} weights are kept`, expected: patternText(pattern) });
    }
  }
}

/** A mask holds zeros and ones, as many as its linear has weights. */
function checkBits({ name, shape: [outputs, inputs], mask }: LinearMask): void {
  if (mask.length !== outputs * inputs) {
    throw new MaskBudgetError({ where: name, what: `a mask of ${mask.length} weights`, expected: `${outputs} x ${inputs}` });
  }
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] > 1) throw new MaskBudgetError({ where: name, what: `${mask[i]} at position ${i}`, expected: '0 or 1' });
  }
}

interface Count {
  label: string;
  zeros: number;
  size: number;
}

function countZeros(linears: readonly LinearMask[], group: Group, of: number): Count[] {
  const counts = new Map<string, Count>();
  for (const { name, shape: [outputs, inputs], mask } of linears) {
    for (let row = 0; row < outputs; row++) {
      for (let column = 0; column < inputs; column++) {
        const label = {
          block: 'the sub-block',
          layer: name,
          output: `${name}, row ${row}`,
          input: `${name}, column ${column}`,
          pattern: `${name}, row ${row}, inputs from ${column - (column % of)}`,
        }[group];
        const count = counts.get(label) ?? { label, zeros: 0, size: 0 };
        count.zeros += mask[row * inputs + column] === 0 ? 1 : 0;
        count.size += 1;
        counts.set(label, count);
      }
    }
  }
  return [...counts.values()];
}
