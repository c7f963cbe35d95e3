import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { EngineAlreadyOpen, openEngine, type Engine } from '../../../science/engine/index.js';
import { instructionSet } from '../../../science/engine/instruction-set.js';
import { needs, where } from '../../helpers/needs.js';
import { requireBuild } from '../../helpers/set-up.js';
import { testOps } from './ops.js';

requireBuild();
const built = 'dist/science/engine/index.js';

/** Returns what a script prints that uses the built engine in a separate process. */
function compute(expression: string, env: NodeJS.ProcessEnv = {}): string {
  const script = `const { openEngine, tf } = await import('./${built}'); await openEngine({ backend: 'tensorflow', threads: 2 }); console.log(${expression});`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { ...process.env, ...env } });
}

describe('tensorflow engine', where(needs.tensorflow), () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ backend: 'tensorflow', threads: 1 });
  });

  test('reports everything that can change bits', () => {
    expect(engine).toMatchObject({ backend: 'tensorflow', threads: 1 });
    expect(engine.version).toMatch(/^tfjs \d+\.\d+\.\d+, TensorFlow \d+\.\d+\.\d+/);
    expect(engine.device).toMatch(/^(cpu|gpu: .+)$/);
    expect(engine.kernels).toBe(engine.device === 'cpu' ? instructionSet() : engine.kernels);
    expect(engine.kernels).toMatch(/./);
  });

  testOps();

  test('is the only engine of a process', async () => {
    await expect(openEngine({ backend: 'wasm' })).rejects.toThrow(EngineAlreadyOpen);
    await expect(openEngine({ backend: 'tensorflow', threads: 2 })).rejects.toThrow(EngineAlreadyOpen);
    await expect(openEngine({ backend: 'tensorflow' })).resolves.toBe(engine);
  });

  test('opens without printing anything', () => {
    const script = `const { openEngine, tf } = await import('./${built}'); await openEngine({ backend: 'tensorflow' }); tf.ones([2]).dataSync();`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('gives the same bits whatever the environment says about oneDNN', () => {
    const heads = 'tf.sin(tf.reshape(tf.range(0, 131072), [2, 8, 128, 64]))';
    const [sums, ...others] = ['', '0', '1'].map((value) => compute(`tf.matMul(tf.softmax(tf.matMul(${heads}, ${heads}, false, true)), ${heads}).dataSync().subarray(0, 4096).join()`, { TF_ENABLE_ONEDNN_OPTS: value }));
    expect(others.map((other) => other === sums)).toEqual([true, true]);
  });

  test('gives the same bits in another process', () => {
    const matrix = 'tf.sin(tf.reshape(tf.range(0, 120000), [300, 400]))';
    const sums = `tf.sum(tf.softmax(tf.matMul(${matrix}, ${matrix}, true)), 0).dataSync().join()`;
    expect(compute(sums)).toBe(compute(sums));
  });
});
