import type { SubBlock } from './types.js';

/** What a linear does in its decoder layer: the attention's queries, keys, values and output, the MLP's gate, way up and way down. */
export type LinearKind = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

/** By the name of the module that a checkpoint has for it, in all families. */
const kinds: Readonly<Record<string, LinearKind>> = {
  q_proj: 'q', k_proj: 'k', v_proj: 'v', o_proj: 'o', out_proj: 'o',
  gate_proj: 'gate', up_proj: 'up', down_proj: 'down', fc1: 'up', fc2: 'down',
  // Mixtral's experts.
  w1: 'gate', w3: 'up', w2: 'down',
  dense: 'o', dense_h_to_4h: 'up', dense_4h_to_h: 'down',
};

/** Linears of attentions that are several in one. */
const fusedAttention: ReadonlySet<string> = new Set(['qkv_proj', 'query_key_value']);

/**
 * The kind of a linear.
 * @param name of its weight, for instance `model.layers.0.self_attn.q_proj.weight`
 * @returns undefined where the name is of no known kind
 */
export function linearKind(name: string): LinearKind | undefined {
  const module = moduleOf(name);
  return Object.hasOwn(kinds, module) ? kinds[module] : undefined;
}

/** Which sub-block a linear belongs to, by the name of its weight in a checkpoint, where it may be several in one. */
export function linearBlock(name: string): SubBlock['block'] {
  if (/\.experts\.\d+\./.test(name)) return 'expert';
  if (name.includes('.shared_expert.')) return 'shared expert';
  return fusedAttention.has(moduleOf(name)) || ['q', 'k', 'v', 'o'].includes(linearKind(name) ?? '') ? 'attention' : 'mlp';
}

const moduleOf = (name: string): string => name.split('.').at(-2) ?? '';
