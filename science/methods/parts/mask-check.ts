/**
 * An independent check of the masks after every stage. It counts weight by weight and does not use the code that selects. A mask
 * that does not keep its budget stops the run before it reaches a checkpoint.
 */
import type { Granularity, Pattern, Shape } from './pattern.js';
import { groupBudget, sparseGptBlock } from './budget.js';
import type { MaskTarget } from './budget.js';
import { countOnes } from './count-ones.js';
import { MaskBudgetError } from './errors.js';
import { MaskSet } from './mask-set.js';
import type { Masks } from './masked-weights.js';
import { patternText } from './pattern.js';

/** A linear's mask, row-major `[out, in]`, 1 = kept. */
export interface LinearMask {
  name: string;
  shape: Shape;
  /** One byte per weight. */
  readonly mask: Uint8Array;
  /** The same mask with one bit per weight, as in mask files, if available. Counting bits is many times faster. */
  readonly bits?: Uint8Array;
}

/** Returns a linear's mask for the checks. Its bytes are computed only if a check needs them. A missing mask is empty and fails every check. */
export function linearMask(masks: Masks, { name, shape }: { name: string; shape: Shape }): LinearMask {
  const bits = masks instanceof MaskSet ? masks.bits(name) : undefined;
  return {
    name, shape,
    ...(bits && { bits }),
    get mask() { return masks.get(name) ?? new Uint8Array(0); },
  };
}

/** The groups that share a budget in an unstructured initial mask. */
export type InitialGroups = 'layer' | 'output' | 'columns';

/**
 * Checks that every group of an initial mask has exactly its budget of zeros: `floor(size * sparsity)`, or its part of the target's
 * `pruned`, which is then also checked as the total. With N:M it is M - N.
 *
 * @param groups `layer` for magnitude, `output` for Wanda, `columns` (blocks of 128, in all rows) for SparseGPT
 * @throws MaskBudgetError naming linear, row or columns, and both counts
 */
export function checkInitialMask(linear: LinearMask, target: MaskTarget, groups: InitialGroups): void {
  checkPattern(linear, target.pattern);
  if (target.pattern.kind === 'N:M') return;
  const counts = groups === 'columns' ? blocksOf(linear) : countZeros(linear, groups);
  let to = 0;
  const of = groups === 'columns' ? linear.shape[1] : counts.length;
  for (const count of counts) {
    const from = to;
    to += groups === 'columns' ? count.size / linear.shape[0] : 1;
    expectZeros(count, groupBudget(target, { from, to, of, size: count.size }));
  }
  if (target.pruned !== undefined) expectZeros(sumOf(counts, linear.name), target.pruned);
}

/** Counts the zeros of every block of columns. The last block may be narrower. */
function blocksOf(linear: LinearMask): Count[] {
  const columns = countZeros(linear, 'input');
  const blocks: Count[] = [];
  for (let start = 0; start < columns.length; start += sparseGptBlock) {
    const block = columns.slice(start, start + sparseGptBlock);
    blocks.push(sumOf(block, `${linear.name}, columns ${start} to ${start + block.length - 1}`));
  }
  return blocks;
}

/**
 * Checks the rebuilt masks of one sub-block: every group of the granularity has the same number of zeros as before, and with N:M
 * every M consecutive inputs of a row keep N.
 *
 * @param before the same linears as in `after`, in the same order
 * @throws MaskBudgetError
 */
export function checkRebuiltMasks(
  before: readonly LinearMask[],
  after: readonly LinearMask[],
  { granularity, pattern }: { granularity: Granularity; pattern: Pattern },
): void {
  for (const linear of after) checkPattern(linear, pattern);
  if (pattern.kind === 'N:M') return;
  if (granularity === 'block') {
    expectZeros(total(after), total(before).zeros);
    return;
  }
  after.forEach((linear, index) => {
    const old = countZeros(before[index], granularity);
    countZeros(linear, granularity).forEach((count, group) => expectZeros(count, old[group].zeros));
  });
}

/**
 * Checks that a mask holds one 0 or 1 per weight, and with N:M that every row keeps exactly N of every M consecutive inputs.
 *
 * @throws MaskBudgetError
 */
export function checkPattern(linear: LinearMask, pattern: Pattern): void {
  if (holdsByBits(linear, pattern)) return;
  const { name, shape: [outputs, inputs], mask } = linear;
  if (mask.length !== outputs * inputs) {
    throw new MaskBudgetError({ where: name, what: `a mask of ${mask.length} weights`, expected: `${outputs} x ${inputs}` });
  }
  const wrong = firstAboveOne(mask);
  if (wrong < mask.length) throw new MaskBudgetError({ where: name, what: `${mask[wrong]} at position ${wrong} of a mask`, expected: '0 or 1' });
  if (pattern.kind === 'unstructured') return;
  for (let row = 0; row < outputs; row++) {
    for (let first = 0; first < inputs; first += pattern.of) {
      let kept = 0;
      for (let input = first; input < first + pattern.of && input < inputs; input++) kept += mask[row * inputs + input];
      if (kept !== pattern.keep || first + pattern.of > inputs) {
        throw new MaskBudgetError({
          where: `${name}, row ${row}, inputs from ${first}`,
          what: `${kept} of ${Math.min(pattern.of, inputs - first)} weights are kept`,
          expected: `the pattern ${patternText(pattern)}`,
        });
      }
    }
  }
}

/** Returns whether the bits alone show that the pattern holds. If not, the bytes are checked to find out where it does not. */
function holdsByBits({ shape: [outputs, inputs], bits }: LinearMask, pattern: Pattern): boolean {
  if (bits === undefined || inputs % 8 !== 0 || bits.length !== (outputs * inputs) / 8) return false;
  if (pattern.kind === 'unstructured') return true;
  const { keep, of } = pattern;
  if (8 % of !== 0) return false;
  const group = (1 << of) - 1;
  const holds = Uint8Array.from({ length: 256 }, (_, byte) => {
    for (let from = 0; from < 8; from += of) if (countOnes(Uint8Array.of((byte >>> from) & group)) !== keep) return 0;
    return 1;
  });
  let held = 1;
  for (let i = 0; i < bits.length; i++) held &= holds[bits[i]];
  return held === 1;
}

/** A plain loop, because a call for each of millions of weights takes longer than all other checks. */
function firstAboveOne(mask: Uint8Array): number {
  let at = 0;
  while (at < mask.length && mask[at] <= 1) at++;
  return at;
}

/** Returns how many weights of a linear its mask keeps, and how many there are. */
export function keptWeights(linear: LinearMask): { kept: number; size: number } {
  const [{ zeros, size }] = countZeros(linear, 'layer');
  return { kept: size - zeros, size };
}

interface Count {
  where: string;
  zeros: number;
  size: number;
}

function expectZeros({ where, zeros, size }: Count, expected: number): void {
  if (zeros !== expected) throw new MaskBudgetError({ where, what: `${zeros} of ${size} weights are pruned`, expected: `${expected}` });
}

function total(linears: readonly LinearMask[]): Count {
  return sumOf(linears.flatMap((linear) => countZeros(linear, 'layer')), linears.map(({ name }) => name).join(', '));
}

function sumOf(counts: readonly Count[], where: string): Count {
  const sum = (key: 'zeros' | 'size'): number => counts.reduce((result, count) => result + count[key], 0);
  return { where, zeros: sum('zeros'), size: sum('size') };
}

/** Counts the zeros of every group of one linear. */
function countZeros(linear: LinearMask, granularity: 'layer' | 'output' | 'input'): Count[] {
  const { name, shape, bits } = linear;
  const [outputs, inputs] = shape;
  if (bits !== undefined && inputs % 8 === 0 && granularity !== 'input') {
    // Every row begins at a whole byte.
    const zerosOf = (own: Uint8Array): number => 8 * own.length - countOnes(own);
    if (granularity === 'layer') return [{ where: name, zeros: zerosOf(bits), size: outputs * inputs }];
    return Array.from({ length: outputs }, (_, row) => ({ where: `${name}, row ${row}`, zeros: zerosOf(bits.subarray((row * inputs) / 8, ((row + 1) * inputs) / 8)), size: inputs }));
  }
  // Reading the bytes may unpack them.
  const { mask } = linear;
  const zeros = zerosOfBytes(mask, shape, granularity);
  const whereOf = { layer: () => name, output: (row: number) => `${name}, row ${row}`, input: (column: number) => `${name}, column ${column}` }[granularity];
  const size = mask.length / zeros.length;
  return Array.from(zeros, (count, group) => ({ where: whereOf(group), zeros: count, size }));
}

/** Counts the zeros of every group in one byte per weight. */
function zerosOfBytes(mask: Uint8Array, [outputs, inputs]: Shape, granularity: 'layer' | 'output' | 'input'): Float64Array {
  const zeros = new Float64Array({ layer: 1, output: outputs, input: inputs }[granularity]);
  for (let row = 0; row < outputs; row++) {
    if (granularity === 'input') {
      for (let column = 0; column < inputs; column++) zeros[column] += 1 - mask[row * inputs + column];
    } else {
      let own = 0;
      for (let i = row * inputs; i < (row + 1) * inputs; i++) own += 1 - mask[i];
      zeros[granularity === 'output' ? row : 0] += own;
    }
  }
  return zeros;
}
