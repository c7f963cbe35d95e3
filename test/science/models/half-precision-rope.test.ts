import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { disposeConstants } from '../../../science/models/index.js';
import type * as rope from '../../../science/models/rope-config.js';
import { openTestEngine } from '../../helpers/engine.js';
import { goldenFamilies } from '../../helpers/golden.js';
import { logitsError } from './family-logits.js';

/**
 * Models that are loaded the usual way keep their rotary frequencies in float32, whatever the dtype of the weights, and so do we.
 * The expected logits of the committed 16-bit folders come from such models. Those of the shared folders come from a model that
 * was cast as a whole, including its frequencies, before it ran in float32. If frequencies are rounded in the same way, everything
 * else agrees as it does for the other variants.
 */
const rounding = vi.hoisted(() => ({ mantissaBits: 23 }));

vi.mock('../../../science/models/rope-config.js', async (original) => {
  const actual = await original<typeof rope>();
  const round = (x: number) => {
    const unit = 2 ** (Math.floor(Math.log2(x)) - rounding.mantissaBits);
    return Math.round(x / unit) * unit;
  };
  const ropeFromConfig: typeof actual.ropeFromConfig = (config, shape) => {
    const rope = actual.ropeFromConfig(config, shape);
    const frequencies = rope.frequencies.map(round);
    return { ...rope, frequencies, key: frequencies.join() };
  };
  return { ...actual, ropeFromConfig };
});

/** Number of mantissa bits of float16 and of bfloat16. */
const mantissaBits = (name: string): number => (name.includes('fp16') ? 10 : 7);
const halves = goldenFamilies.filter(({ name }) => /fp16|bf16/.test(name));

describe('16-bit checkpoints', () => {
  beforeAll(() => openTestEngine());
  afterAll(disposeConstants);

  it.each(halves)('$name: matches the logits of transformers only with the right rounding of rotary frequencies', async ({ name, folder, committed }) => {
    rounding.mantissaBits = 23;
    const exact = await logitsError(folder);
    rounding.mantissaBits = mantissaBits(name);
    const rounded = await logitsError(folder);
    const [same, other] = committed ? [exact, rounded] : [rounded, exact];
    expect(same).toBeLessThan(1e-4);
    expect(other).toBeGreaterThan(1e-4);
  });
});
