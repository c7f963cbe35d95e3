import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disposeWeights, toTensors } from '../../activities/weights.js';
import { prefetch, readSafetensorsHeader, readTensor, writeSafetensors } from '../../files/checkpoints/index.js';
import { startLedger } from '../../science/engine/index.js';
import { openTestEngine } from '../helpers/engine.js';
import { needs, where } from '../helpers/needs.js';

/** All 16-bit patterns except NaN, which a weight must not be. */
const patterns = (infinity: number): Uint8Array => new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7fff) < infinity).buffer);
const stored = {
  BF16: patterns(0x7f80),
  F16: patterns(0x7c00),
  F32: new Uint8Array(Float32Array.of(1, -0, 1e-40, 3e38).buffer),
};

describe('weights of a checkpoint in the engine', where(needs.tensorflow), () => {
  let folder: string;
  beforeAll(async () => {
    await openTestEngine('tensorflow');
    folder = await mkdtemp(join(tmpdir(), 'weights-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(['BF16', 'F16', 'F32'] as const)('have the bits of the file and take no more memory: %s', async (dtype) => {
    const file = join(folder, dtype);
    const data = stored[dtype];
    const shape = [2, data.length / (dtype === 'F32' ? 4 : 2) / 2];
    await writeSafetensors(file, [{ name: 'w', dtype, shape, data }]);
    const info = [...(await readSafetensorsHeader(file)).tensors.values()][0];
    const end = startLedger();
    const weights = await toTensors([{ name: 'w', shape: shape }], prefetch([info]));
    const values = await weights.get('w')?.clone().data();
    expect(end().up).toBe(dtype === 'F32' ? 0 : data.length);
    expect(new Uint32Array(values?.slice().buffer as ArrayBuffer)).toEqual(new Uint32Array((await readTensor(info)).buffer));
    disposeWeights(weights);
  });

  test('have only their own rows for a part of a fused tensor', async () => {
    const file = join(folder, 'fused');
    await writeSafetensors(file, [{ name: 'w', dtype: 'BF16', shape: [4, 2], data: new Uint8Array(Uint16Array.from([1, 2, 3, 4, 5, 6, 7, 8], (value) => 0x3f80 + value).buffer) }]);
    const info = [...(await readSafetensorsHeader(file)).tensors.values()][0];
    const part = { ...info, shape: [2, 2], part: { from: 1, run: 1, stride: 2, rows: 4 } };
    const weights = await toTensors([{ name: 'w', shape: [2, 2] }], prefetch([part]));
    expect([...(weights.get('w')?.dataSync() ?? [])]).toEqual([3, 4, 7, 8].map((value) => 1 + value / 128));
    disposeWeights(weights);
  });
});
