import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine, type Engine } from '../../../science/engine/index.js';
import { testOps } from './ops.js';

describe('wasm engine', () => {
  const listeners = () => ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
  const before = listeners();
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ backend: 'wasm', threads: 4 });
  });

  test('reports one thread, even if more were requested', () => {
    expect(engine).toMatchObject({ backend: 'wasm', device: 'cpu', threads: 1 });
    expect(engine.version).toMatch(/^tfjs \d+\.\d+\.\d+, wasm \d+\.\d+\.\d+$/);
  });

  test('installs no error handlers in the process', () => expect(listeners()).toEqual(before));

  testOps();
});
