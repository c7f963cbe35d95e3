/** What a linear does in its decoder layer: the attention's queries, keys, values and output, the MLP's gate, way up and way down. */
export type LinearKind = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

/** By the name of the module that a checkpoint has for it, in all families. */
const kinds: Readonly<Record<string, LinearKind>> = {
  q_proj: 'q', k_proj: 'k', v_proj: 'v', o_proj: 'o', out_proj: 'o',
  gate_proj: 'gate', up_proj: 'up', down_proj: 'down', fc1: 'up', fc2: 'down',
};

/**
 * The kind of a linear.
 * @param name of its weight, for instance `model.layers.0.self_attn.q_proj.weight`
 * @returns undefined where the name is of no known kind
 */
export function linearKind(name: string): LinearKind | undefined {
  const module = name.split('.').at(-2) ?? '';
  return Object.hasOwn(kinds, module) ? kinds[module] : undefined;
}
