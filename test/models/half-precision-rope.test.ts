import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { disposeConstants } from '../../models/index.js';
import type * as rope from '../../models/rope.js';
import { openTestEngine } from '../helpers/engine.js';
import { sharedData } from '../helpers/load-model.js';
import { logitsError } from './family-logits.js';

/**
 * The expected logits of the 16-bit folders come from a model that was cast as a whole, its rotary frequencies
 * included, before it ran in float32. Models that are loaded the usual way keep these in float32, and so do we. So
 * here the frequencies are rounded as they were there; everything else must then agree as for the other variants.
 */
const rounding = vi.hoisted(() => ({ mantissaBits: 23 }));

vi.mock('../../models/rope.js', async (original) => {
  const actual = await original<typeof rope>();
  const round = (x: number) => {
    const unit = 2 ** (Math.floor(Math.log2(x)) - rounding.mantissaBits);
    return Math.round(x / unit) * unit;
  };
  const ropeFromConfig: typeof actual.ropeFromConfig = (config, headDim, maxPositions) => {
    const frequencies = actual.ropeFromConfig(config, headDim, maxPositions).frequencies.map(round);
    return { headDim, frequencies, key: frequencies.join() };
  };
  return { ...actual, ropeFromConfig };
});

const families = join(sharedData, 'families');

describe.skipIf(!existsSync(families))('16-bit checkpoints (needs ../shared/data/families)', () => {
  beforeAll(() => openTestEngine());
  afterAll(disposeConstants);

  it.each([
    ['llama-fp16', 10],
    ['llama-bf16-sharded', 7],
  ])('%s: logits are those of transformers once rotary frequencies have %i bits', async (name, mantissaBits) => {
    rounding.mantissaBits = mantissaBits;
    expect(await logitsError(join(families, name))).toBeLessThan(1e-4);
  });
});
