import { describe, expect, test } from 'vitest';
import { candidates, precisionOf } from '../../../science/engine/choice.js';
import { EngineChoiceInvalid, EngineUnavailable } from '../../../science/engine/index.js';
import { engineText } from '../../../science/engine/engine-text.js';
import { checkPrecision, setPrecision } from '../../../science/engine/precision.js';

const variables = ['NVIDIA_TF32_OVERRIDE', 'TF_SET_ONEDNN_FPMATH_MODE', 'ONEDNN_DEFAULT_FPMATH_MODE', 'DNNL_DEFAULT_FPMATH_MODE'] as const;

describe('precision of products', () => {
  test.each([
    ['float32', ['0', undefined]],
    ['tf32', [undefined, undefined]],
    ['bfloat16', ['0', 'BF16']],
  ] as const)('%s: sets what TensorFlow reads, whatever the environment contains', (precision, expected) => {
    for (const had of [{}, { NVIDIA_TF32_OVERRIDE: '1', TF_SET_ONEDNN_FPMATH_MODE: 'BF16', ONEDNN_DEFAULT_FPMATH_MODE: 'BF16', DNNL_DEFAULT_FPMATH_MODE: 'BF16' }]) {
      const env: Record<string, string | undefined> = { ...had };
      setPrecision(precision, env);
      expect(variables.map((name) => env[name])).toEqual([...expected, undefined, undefined]);
    }
  });

  const gpu = (capability: string) => ({ onGpu: true, kernels: `compute capability ${capability}, driver 550.54.15, cublas 12.5.3` });
  const cpu = (kernels: string) => ({ onGpu: false, kernels });
  test.each([
    ['float32', cpu('avx2')], ['float32', gpu('7.5')], ['tf32', gpu('8.0')], ['tf32', gpu('9.0')], ['tf32', gpu('12.0')],
    ['bfloat16', cpu('avx512_core_bf16')],
  ] as const)('%s is allowed on %j', (precision, device) => {
    expect(() => { checkPrecision(precision, device); }).not.toThrow();
  });

  test.each([
    ['tf32', cpu('avx2'), /no GPU here, and processors have no TF32 \(avx2\).*Set `engine.precision: float32`/],
    ['tf32', gpu('7.5'), /this GPU has no TF32 \(compute capability 7.5/],
    ['bfloat16', gpu('9.0'), /no bfloat16 products of float32 matrices on a GPU; expected a processor, or `tf32`/],
    ['tf32', { onGpu: true, kernels: 'cublas 12.5.3' }, /this GPU has no TF32/],
  ] as const)('%s is refused on %j, which does not have it', (precision, device, message) => {
    expect(() => { checkPrecision(precision, device); }).toThrow(EngineUnavailable);
    expect(() => { checkPrecision(precision, device); }).toThrow(message);
  });

  test('tries only TensorFlow for a precision other than float32', () => {
    expect(candidates({ backend: 'auto', precision: 'tf32' }, { LLM_BARBER_ENGINE: 'wasm' })).toEqual(['tensorflow']);
    expect(candidates({ backend: 'auto', precision: 'float32' }, {})).toEqual(['tensorflow', 'wasm']);
    expect(() => precisionOf({ backend: 'wasm', precision: 'bfloat16' })).toThrow(EngineChoiceInvalid);
    expect(precisionOf({ backend: 'wasm' })).toBe('float32');
  });

  test('appears in the name of an engine, except for float32', () => {
    const engine = { backend: 'tensorflow', version: 'v', device: 'gpu: x', kernels: 'k', threads: 2 } as const;
    expect(engineText(engine)).toBe('tensorflow (v, gpu: x, k, 2 threads)');
    expect(engineText({ ...engine, precision: 'tf32' })).toBe('tensorflow (v, gpu: x, k, 2 threads, tf32)');
  });
});
