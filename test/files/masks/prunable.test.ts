import { expect, it } from 'vitest';
import type { Checkpoint, TensorInfo } from '../../../files/checkpoints/index.js';
import { prunableTensors } from '../../../files/masks/prunable.js';

/** Names of Qwen2-MoE in transformers, and of other mixtures, with the small matrices that decide which experts run. */
const [linears, others] = [
  ['self_attn.q_proj', 'mlp.experts.0.gate_proj', 'mlp.experts.0.down_proj', 'mlp.shared_expert.gate_proj'],
  ['mlp.gate', 'mlp.shared_expert_gate', 'block_sparse_moe.router', 'block_sparse_moe.router.layer'],
].map((names) => names.map((name) => `model.layers.0.${name}.weight`));

it('the linears of experts are prunable, and what routes tokens to them is not', () => {
  const tensors = new Map([...others, ...linears].map((name): [string, TensorInfo] => [name, { name, dtype: 'BF16', shape: [8, 8], file: '', begin: 0, end: 128 }]));
  expect(prunableTensors({ tensors } as unknown as Checkpoint).map(({ name }) => name).sort()).toEqual([...linears].sort());
});
