import { describe, expect, test } from 'vitest';
import { candidates, threadCount } from '../../../science/engine/choice.js';
import { EngineChoiceInvalid } from '../../../science/engine/index.js';

describe('the choice of engines', () => {
  test('auto tries the fastest first', () => expect(candidates({ backend: 'auto' }, {})).toEqual(['tensorflow', 'wasm']));
  test('auto follows the environment', () => {
    expect(candidates({ backend: 'auto' }, { LLM_BARBER_ENGINE: 'wasm' })).toEqual(['wasm']);
    expect(candidates({ backend: 'auto' }, { LLM_BARBER_ENGINE: 'auto' })).toEqual(['tensorflow', 'wasm']);
  });
  test("a request's own choice beats the environment", () => {
    expect(candidates({ backend: 'tensorflow' }, { LLM_BARBER_ENGINE: 'wasm' })).toEqual(['tensorflow']);
  });
  test('an unknown engine is refused', () => {
    const ask = () => candidates({ backend: 'auto' }, { LLM_BARBER_ENGINE: 'torch' });
    expect(ask).toThrow(EngineChoiceInvalid);
    expect(ask).toThrow('environment variable LLM_BARBER_ENGINE: unknown engine "torch"; expected auto, tensorflow or wasm.');
  });
});

describe('threads', () => {
  test('the request beats the environment, which beats the number of processors', () => {
    expect(threadCount({ backend: 'auto', threads: 3 }, { TF_NUM_INTRAOP_THREADS: '5' })).toBe(3);
    expect(threadCount({ backend: 'auto' }, { TF_NUM_INTRAOP_THREADS: '5' })).toBe(5);
    expect(threadCount({ backend: 'auto' }, {})).toBeGreaterThan(0);
  });
  test.each([0, -1, 1.5, NaN])('%s threads are refused', (threads) => {
    expect(() => threadCount({ backend: 'auto', threads }, {})).toThrow(EngineChoiceInvalid);
  });
  test('a bad number in the environment is quoted', () => {
    expect(() => threadCount({ backend: 'auto' }, { TF_NUM_INTRAOP_THREADS: 'many' })).toThrow(
      'environment variable TF_NUM_INTRAOP_THREADS: bad number of threads "many"; expected a whole number of at least 1.',
    );
  });
});
