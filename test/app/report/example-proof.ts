import type { Proof } from '../../../files/masks/index.js';
import { packBits } from '../../../files/checkpoints/index.js';

const kinds = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj', 'self_attn.o_proj', 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'];

/** The proof of a model with that many layers, with generated masks. */
export function exampleProof(layers: number, [out, inputs]: readonly [number, number] = [24, 40]): { proof: Proof; readBits: (name: string) => Promise<Uint8Array> } {
  const masks = new Map<string, Uint8Array>();
  let state = 1;
  const next = (): number => (state = (state * 48271) % 0x7fffffff);
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of kinds) masks.set(`model.layers.${layer}.${kind}.weight`, Uint8Array.from({ length: out * inputs }, () => next() & 1));
  }
  const linears: Proof['linears'] = [...masks].map(([name, mask]) => {
    const rows = Array.from({ length: out }, (_, row) => mask.subarray(row * inputs, (row + 1) * inputs).filter((kept) => kept === 0).length);
    const zeros = rows.reduce((sum, count) => sum + count, 0);
    return { name, shape: [out, inputs], weights: out * inputs, zeros, pattern: 'unstructured', rowZeros: [Math.min(...rows), Math.max(...rows)], maskSha256: 'x', changed: 0 };
  });
  const total = (of: 'weights' | 'zeros'): number => linears.reduce((sum, linear) => sum + linear[of], 0);
  const proof: Proof = {
    format: 'mask-proof', version: 1, checked: [], checkpoint: 'checkpoint', pattern: 'unstructured', weights: total('weights'), zeros: total('zeros'), linears, tensors: {},
    files: [{ file: 'checkpoint/model.safetensors', bytes: 804176, sha256: '5bbe18deae07e9e470acd5eb27f8be4cb6f87b39c74a0955facad6e7df430a61' }],
    mask: { file: 'mask.safetensors', bytes: 27368, sha256: '94e487e406a6fdcca979d3d8a000acd60bfdc71c01e576618d1a5393dcba5794' },
  };
  return { proof, readBits: (name) => Promise.resolve(packBits(masks.get(name) ?? new Uint8Array())) };
}
