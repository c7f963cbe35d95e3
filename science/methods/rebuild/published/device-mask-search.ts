import { keep, tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { PruningInputError } from '../../parts/errors.js';
import { checkFiniteOnDevice } from '../../parts/finite-on-device.js';
import { MaskSet } from '../../parts/mask-set.js';
import type { Masks } from '../../parts/masked-weights.js';
import { checkDivides } from '../../parts/pattern.js';
import type { Granularity, Shape } from '../../parts/pattern.js';
import { growthsWithinPattern, PatternPairs } from './device-pattern-swaps.js';
import type { DeviceSegment } from './device-pattern-swaps.js';
import { keptAt, rankSwaps } from './device-swaps.js';
import type { DeviceGroups, SwapRanking } from './device-swaps.js';
import type { MaskSearch, MaskSearchRequest } from './mask-search.js';

/** {@link searchMasks} with importances and masks on the device. Downloads one number per group, and per line of a long group (device-selection.ts). */
export async function searchOnDevice({ linears, importance, masks, pattern, granularity, rule }: MaskSearchRequest): Promise<MaskSearch> {
  const owned: Tensor2D[] = [...importance];
  const dispose = (): void => { tf.dispose(owned); };
  try {
    await Promise.all(linears.map(async ({ name, shape }, index) => {
      checkDivides(pattern, { name, shape });
      await checkFiniteOnDevice(importance[index], `importance of ${name}`);
    }));
    const parts = linears.map(({ name }, index) => ({ importance: importance[index], mask: tensorOf(masks, name) }));
    const setOf = (tensors: readonly Tensor2D[]): MaskSet => MaskSet.ofTensors(new Map(linears.map(({ name }, index) => [name, tensors[index]])));
    if (pattern.kind === 'N:M' && rule === 'pairs') {
      const pairs = new PatternPairs(parts, pattern);
      owned.push(...pairs.owned);
      return { at: (ratio) => setOf(checked(ratio, () => pairs.masksAt(ratio))), dispose };
    }
    const groups = groupsOf(parts, pattern.kind === 'N:M' ? 'output' : granularity);
    owned.push(...groups.flatMap(({ importance: own, kept }) => [own, kept]));
    // A whole block has its own copy of the importances.
    if (pattern.kind === 'unstructured' && granularity === 'block') tf.dispose([...importance]);
    const rankings: SwapRanking[] = [];
    for (const group of groups) rankings.push(await rankSwaps(group));
    const at = (ratio: number): Tensor2D[] => tf.tidy(() => {
      const found = rankings.map((ranking) => keptAt(ranking, ratio));
      if (pattern.kind === 'N:M') return found.map((kept, index) => growthsWithinPattern(parts[index], tf.cast(kept, 'float32'), pattern));
      return fromGroups(found, linears, granularity).map((kept) => tf.cast(kept, 'float32'));
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

/** Returns the groups of a granularity: one tensor for a whole block, else one for each linear. They are new tensors, which the caller disposes. */
function groupsOf(parts: readonly DeviceSegment[], granularity: Granularity): DeviceGroups[] {
  return tf.tidy(() => {
    const groups = parts.map(({ importance, mask }) => ({ importance: toGroups(importance, granularity), kept: toGroups(tf.cast<Tensor2D>(mask, 'bool'), granularity) }));
    const joined = (values: (group: DeviceGroups) => Tensor2D): Tensor2D => tf.concat(groups.map(values), 1);
    const made = granularity === 'block' ? [{ importance: joined((group) => group.importance), kept: joined((group) => group.kept) }] : groups;
    return made.map(({ importance, kept }) => ({ importance: keep(importance), kept: keep(kept) }));
  });
}

/** `[out, in]` -> `[groups, length]`. The result is never the given tensor itself. */
function toGroups(values: Tensor2D, granularity: Granularity): Tensor2D {
  if (granularity === 'output') return tf.clone(values);
  return granularity === 'input' ? tf.transpose<Tensor2D>(values) : tf.reshape<Tensor2D['rankType']>(values, [1, values.size]);
}

/** The reverse of {@link groupsOf}, for bool tensors. */
function fromGroups(groups: readonly Tensor2D[], linears: readonly { shape: Shape }[], granularity: Granularity): Tensor2D[] {
  let start = 0;
  return linears.map(({ shape: [outputs, inputs] }, index) => {
    if (granularity === 'output') return groups[index];
    if (granularity === 'input') return tf.transpose(groups[index]);
    const size = outputs * inputs;
    const own = granularity === 'block' ? tf.slice(groups[0], [0, start], [1, size]) : groups[index];
    start += size;
    return tf.reshape(own, [outputs, inputs]);
  });
}
