import { keep, tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { PruningInputError } from '../../parts/errors.js';
import { checkFiniteOnDevice } from '../../parts/finite-on-device.js';
import { MaskSet } from '../../parts/mask-set.js';
import type { Masks } from '../../parts/masked-weights.js';
import { checkDivides } from '../../parts/pattern.js';
import type { Shape } from '../../parts/pattern.js';
import type { Granularity } from '../method.js';
import { growthsWithinPattern, PatternPairs } from './device-pattern-swaps.js';
import { masksAt, rankSwaps } from './device-swaps.js';
import type { DeviceSegment, SwapRanking } from './device-swaps.js';
import type { MaskSearch, MaskSearchRequest } from './mask-search.js';

/** {@link searchMasks} with importances and masks on the device. Only one number per group is downloaded. */
export async function searchOnDevice({ linears, importance, masks, pattern, granularity, rule }: MaskSearchRequest): Promise<MaskSearch> {
  const owned: Tensor2D[] = [...importance];
  const dispose = (): void => { tf.dispose(owned); };
  try {
    await Promise.all(linears.map(async ({ name, shape }, index) => {
      checkDivides(pattern, { name, shape });
      await checkFiniteOnDevice(importance[index], `importance of ${name}`);
    }));
    const before = linears.map(({ name }) => tensorOf(masks, name));
    const parts = linears.map((_, index) => ({ importance: importance[index], mask: before[index] }));
    const setOf = (tensors: readonly Tensor2D[]): MaskSet => MaskSet.ofTensors(new Map(linears.map(({ name }, index) => [name, tensors[index]])));
    if (pattern.kind === 'N:M' && rule === 'pairs') {
      const pairs = new PatternPairs(parts, pattern);
      owned.push(...pairs.owned);
      return { at: (ratio) => setOf(checked(ratio, () => pairs.masksAt(ratio))), dispose };
    }
    const byRow = pattern.kind === 'N:M';
    const groups = groupsOf(parts, byRow ? 'output' : granularity);
    if (!byRow && granularity !== 'output') owned.push(...groups.flat().flatMap((segment) => [segment.importance, segment.mask]));
    const rankings: SwapRanking[] = [];
    for (const group of groups) rankings.push(await rankSwaps(group));
    const at = (ratio: number): Tensor2D[] => tf.tidy(() => {
      const found = rankings.flatMap((ranking) => masksAt(ranking, ratio));
      if (pattern.kind === 'N:M') return found.map((mask, index) => growthsWithinPattern(parts[index], mask, pattern));
      return found.map((mask, index) => fromGroups(mask, linears[index].shape, granularity));
    });
    return { at: (ratio) => setOf(checked(ratio, () => at(ratio))), dispose };
  } catch (fault) {
    dispose();
    throw fault;
  }
}

function checked<T>(ratio: number, work: () => T): T {
  if (!(ratio > 0 && ratio <= 1)) throw new PruningInputError({ what: `the ratio ${ratio}`, expected: 'a number in (0, 1]' });
  return work();
}

function tensorOf(masks: Masks, name: string): Tensor2D {
  const tensor = masks instanceof MaskSet ? masks.tensor(name) : undefined;
  if (tensor === undefined) throw new PruningInputError({ where: name, what: 'this linear has no mask on the device', expected: 'a mask for every linear of the sub-block' });
  return tensor;
}

/** Returns groups of segments in the form of device-swaps.ts. Except for `output` they are new tensors, which the caller disposes. */
function groupsOf(parts: readonly DeviceSegment[], granularity: Granularity): DeviceSegment[][] {
  const segments = parts.map(({ importance, mask }) => ({ importance: toGroups(importance, granularity), mask: toGroups(mask, granularity) }));
  return granularity === 'block' ? [segments] : segments.map((segment) => [segment]);
}

/** `[out, in]` -> `[groups, length]`. */
function toGroups(values: Tensor2D, granularity: Granularity): Tensor2D {
  if (granularity === 'output') return values;
  return keep(granularity === 'input' ? tf.transpose<Tensor2D>(values) : tf.reshape<Tensor2D['rankType']>(values, [1, values.size]));
}

function fromGroups(mask: Tensor2D, shape: Shape, granularity: Granularity): Tensor2D {
  if (granularity === 'output') return mask;
  return granularity === 'input' ? tf.transpose(mask) : tf.reshape(mask, [...shape]);
}
