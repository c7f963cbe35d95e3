import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packBits } from '../../../../files/checkpoints/index.js';
import { selectOn, startLedger, tf } from '../../../../science/engine/index.js';
import { guardedRebuild, MaskSet, rebuildSubBlock, unstructured } from '../../../../science/methods/index.js';
import type { Granularity, Masks, RebuildSettings } from '../../../../science/methods/index.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { needs, where } from '../../../helpers/needs.js';
import { linears, sequences, toBatches, toTensors, toy, toyWeights } from './toy-sub-block.js';

const all = sequences(8, 5);
const start = new Map(linears.map(({ name, shape }) => [name, Uint8Array.from({ length: shape[0] * shape[1] }, (_, i) => (i * 5 + 1) % 3 % 2)]));
const asBits = MaskSet.ofBits(linears, new Map([...start].map(([name, mask]) => [name, packBits(mask)])));
const guard = { rounds: 6, ratios: [1, 0.5, 0.25], tolerance: 0, budget: 40 };

interface Rebuilt {
  masks: Record<string, number[]>;
  hidden: number[][];
  report: unknown;
}

async function rebuild(strategy: 'published' | 'guarded', place: 'host' | 'device', granularity: Granularity, masks: Masks): Promise<Rebuilt> {
  selectOn(place);
  const settings: RebuildSettings = { granularity, ratio: 0.5, metric: 'weight-gradient', pattern: unstructured };
  const request = { subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(toyWeights()), masks, settings };
  const made = await (strategy === 'published' ? rebuildSubBlock(request) : guardedRebuild({ ...request, guard }));
  const result = {
    masks: Object.fromEntries([...made.masks].map(([name, mask]) => [name, [...mask]])),
    hidden: made.hidden.map((batch) => [...batch.dataSync()]),
    report: made.report,
  };
  tf.dispose([...made.hidden, ...request.dense.values()]);
  return result;
}

describe('a rebuild with selection on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });
  afterEach(() => { selectOn(undefined); });

  it.each(['published', 'guarded'] as const)('%s: has masks, errors, decisions and hidden states of the host, from bytes and from bits', async (strategy) => {
    for (const granularity of ['block', 'layer', 'output', 'input'] as const) {
      const expected = await rebuild(strategy, 'host', granularity, start);
      const before = tf.memory().numTensors;
      for (const masks of [start, asBits]) expect(await rebuild(strategy, 'device', granularity, masks), granularity).toEqual(expected);
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('transfers one bit for each weight, and the numbers of the report', async () => {
    const end = startLedger();
    selectOn('device');
    const dense = toTensors(toyWeights());
    const settings: RebuildSettings = { granularity: 'block', ratio: 0.5, metric: 'weight-gradient', pattern: unstructured };
    const { masks, hidden } = await rebuildSubBlock({ subBlock: toy, hidden: toBatches(all, 8), dense, masks: asBits, settings });
    expect(masks).toBeInstanceOf(MaskSet);
    const words = linears.reduce((sum, { shape }) => sum + Math.ceil((shape[0] * shape[1]) / 32), 0);
    // For each linear two counts of changes, and whether its importances are finite; the number of swaps; two errors for each sequence.
    const numbers = 3 * linears.length + 1 + 2 * 8;
    expect(end().down).toBeLessThanOrEqual(4 * (words + numbers));
    tf.dispose([...hidden, ...dense.values()]);
  });
});
