import type { SubBlock } from './types.js';

/** The role of a linear in its decoder layer: queries, keys, values and output of the attention; gate, up and down of the MLP. */
export type LinearKind = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

/** Kinds by the name of the module in checkpoints, for all families. */
const kinds: Readonly<Record<string, LinearKind>> = {
  q_proj: 'q', k_proj: 'k', v_proj: 'v', o_proj: 'o', out_proj: 'o',
  gate_proj: 'gate', up_proj: 'up', down_proj: 'down', fc1: 'up', fc2: 'down',
  // Mixtral's experts.
  w1: 'gate', w3: 'up', w2: 'down',
  dense: 'o', dense_h_to_4h: 'up', dense_4h_to_h: 'down',
};

/** Fused linears of attentions. */
const fusedAttention: ReadonlySet<string> = new Set(['qkv_proj', 'query_key_value']);

/**
 * Returns the kind of a linear; undefined if the name is not known.
 * @param name name of its weight, for example `model.layers.0.self_attn.q_proj.weight`
 */
export function linearKind(name: string): LinearKind | undefined {
  const module = moduleOf(name);
  return Object.hasOwn(kinds, module) ? kinds[module] : undefined;
}

/** Returns the sub-block of a linear, by the name of its weight in a checkpoint, which may be a fused one. */
export function linearBlock(name: string): SubBlock['block'] {
  if (/\.experts\.\d+\./.test(name)) return 'expert';
  if (name.includes('.shared_expert.')) return 'shared expert';
  return fusedAttention.has(moduleOf(name)) || ['q', 'k', 'v', 'o'].includes(linearKind(name) ?? '') ? 'attention' : 'mlp';
}

const moduleOf = (name: string): string => name.split('.').at(-2) ?? '';
