import type { PageRequest } from '../../../../activities/write-report.js';
import type { Proof } from '../../../../files/masks/index.js';
import { examplePipeline, exampleResult } from '../example-result.js';

const kinds = { 'self_attn.q_proj': [16, 24], 'self_attn.o_proj': [16, 24], 'mlp.gate_proj': [40, 16], 'mlp.down_proj': [16, 40] } as const;

/** A request for a page with that many layers, with masks from a fixed pseudo-random sequence. */
export function exampleRequest(layers: number, size = 1): PageRequest & Required<Pick<PageRequest, 'pruned'>> {
  const bits = new Map<string, Uint8Array>();
  let state = 1;
  const linears = Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
    Object.entries(kinds).map(([kind, [rows, columns]]) => {
      const shape: [number, number] = [rows * size, columns * size];
      const packed = new Uint8Array((shape[0] * shape[1]) / 8).map(() => ((state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >>> 16) & 255);
      const name = `model.layers.${layer}.${kind}.weight`;
      bits.set(name, packed);
      const kept = packed.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
      const weights = shape[0] * shape[1];
      return { name, shape, weights, zeros: weights - kept, pattern: 'unstructured', rowZeros: [1, 20] as const, maskSha256: 'a'.repeat(64) };
    }),
  );
  const sum = (key: 'weights' | 'zeros'): number => linears.reduce((total, linear) => total + linear[key], 0);
  const file = (name: string) => ({ file: name, bytes: 123_456, sha256: 'b'.repeat(64) });
  const proof = {
    format: 'mask-proof', version: 1, checked: [], checkpoint: 'checkpoint', files: [file('checkpoint/model.safetensors')], mask: file('mask.safetensors'),
    pattern: 'unstructured', weights: sum('weights'), zeros: sum('zeros'), linears, tensors: {},
  } as unknown as Proof;
  const entries = Array.from({ length: layers }, (_, layer) => (['attention', 'mlp'] as const).map((block, index) => ({
    layer, block, errorBefore: 0.0123 * (layer + 1), errorAfter: 0.0071 * (layer + 1 + index), grown: 3 + layer, pruned: 3 + layer,
    rounds: [{ ratio: 0.1, errorBefore: 0.02, error: 0.01, accepted: true }, { ratio: 0.05, errorBefore: 0.02, error: 0.03, accepted: false }],
  }))).flat();
  return {
    pipeline: examplePipeline,
    pruned: { proof, readBits: (name) => Promise.resolve(bits.get(name) ?? new Uint8Array()) },
    result: {
      ...exampleResult,
      initialMask: { layers: Array.from({ length: layers }, (_, layer) => 0.4 + layer / 1000), linears: [{ layer: 0, linear: 'q_proj', damping: 0.02, deadInputs: 7 }] },
      rebuild: { grown: 345, pruned: 345, layers: entries },
      gates: [
        { gate: 'small loss', asked: 'rebuilt perplexity <= 8', quantity: 'perplexity', comparison: '<=', limit: 8, found: 6.32, passed: true },
        { gate: 'fast', asked: 'total seconds <= 40', quantity: 'seconds', comparison: '<=', limit: 40, found: 80, passed: false },
      ],
      zeroShot: { dense: { arc_easy: score(0.61) }, rebuilt: { arc_easy: score(0.57) } },
      found: { calibration: 0.1, initialMask: 0.25 },
      planned: { calibration: { seconds: 0.2, bytes: 300 * 2 ** 20 }, initialMask: { seconds: 1, bytes: 310 * 2 ** 20 }, rebuild: { seconds: 60.5, bytes: 420 * 2 ** 20 }, evaluation: { seconds: 3.3, bytes: 320 * 2 ** 20 } },
      costs: { rebuild: { bytesUp: 3 * 2 ** 20, bytesDown: 2 ** 20, operations: 1234, seconds: { products: 40, elementwise: 20, transfers: 5, javascript: 8, waiting: 2 }, peakBytes: 400 * 2 ** 20 } },
      timeline: {
        from: '2026-01-02T03:04:00.000Z', workers: ['123@here', '456@there'],
        units: [
          { what: 'checks of model, files and memory', worker: 0, asked: 0, begun: 0.4, ended: 1.4 },
          { stage: 'rebuild', what: 'rebuild, layer 0', worker: 0, asked: 1.5, begun: 5, ended: 30, attempts: 2 },
          { stage: 'rebuild', what: 'rebuild, layer 1', worker: 0, asked: 30, begun: 30, ended: 41, lost: true },
          { stage: 'rebuild', what: 'rebuild, layer 1', worker: 1, asked: 41, begun: 48, ended: 75 },
          { stage: 'evaluation', what: 'evaluation, <dense>', worker: 1, asked: 82, begun: 82, ended: 90 },
        ],
      },
      incidents: [{ at: '2026-01-02T03:04:05.000Z', what: 'compute process was killed' }],
    },
  };
}

const score = (acc: number) => ({ acc, acc_stderr: 0.031, acc_norm: null, acc_norm_stderr: null, documents: 200, bos: false, digest: 'c'.repeat(64) });
