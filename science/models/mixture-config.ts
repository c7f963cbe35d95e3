import type { ConfigReader } from './config-reader.js';
import type { Mixture } from './experts.js';
import type { RotaryConfig } from './rotary-config.js';

/** What transformers takes for values that a config leaves out, where the families differ. */
interface MixtureDefaults {
  experts: number;
  chosen: number;
  intermediateSize: number;
}

/** Keys of the number of experts: that of most families, and the one that transformers 5 writes for some of them. */
const expertKeys = ['num_local_experts', 'num_experts'] as const;

/** How many experts a layer has, and how many of them a token gets. @throws ModelConfigError */
export function readExperts(reader: ConfigReader, defaults: Pick<MixtureDefaults, 'experts' | 'chosen'>): { experts: number; chosen: number } {
  const key = expertKeys.find((name) => reader.has(name)) ?? 'num_experts';
  const experts = reader.positiveInteger(key, defaults.experts);
  const chosen = reader.positiveInteger('num_experts_per_tok', defaults.chosen);
  if (chosen > experts) throw reader.wrong('num_experts_per_tok', `at most the number of experts (${experts})`);
  // What only training reads.
  reader.ignore('router_jitter_noise', 'router_aux_loss_coef', 'output_router_logits', ...expertKeys);
  return { experts, chosen };
}

/** The mixture of Qwen's configs, and of OLMoE's: experts below `mlp`. @throws ModelConfigError */
export function readMixture(reader: ConfigReader, defaults: Pick<MixtureDefaults, 'experts' | 'chosen'>, intermediateSize: number): Mixture {
  return { ...readExperts(reader, defaults), normalized: reader.boolean('norm_topk_prob', false), path: 'mlp', intermediateSize };
}

/** Which layers of Qwen's models have a mixture; the others have a plain MLP. @throws ModelConfigError */
export function mixtureLayers(reader: ConfigReader, { layers }: RotaryConfig): (index: number) => boolean {
  const step = reader.positiveInteger('decoder_sparse_step', 1);
  const plain = reader.has('mlp_only_layers') ? reader.counts('mlp_only_layers') : [];
  if (plain.some((index) => index >= layers)) throw reader.wrong('mlp_only_layers', `a list of layers below num_hidden_layers (${layers})`);
  return (index) => !plain.includes(index) && (index + 1) % step === 0;
}
