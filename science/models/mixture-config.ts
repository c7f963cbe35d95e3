import type { ConfigReader } from './config-reader.js';
import type { Mixture } from './experts.js';
import type { RotaryConfig } from './rotary-config.js';

/** Defaults of transformers that differ between the families. */
interface MixtureDefaults {
  experts: number;
  expertsPerToken: number;
  intermediateSize: number;
}

/** Keys for the number of experts: the usual one, and the one that transformers 5 writes for some families. */
const expertKeys = ['num_local_experts', 'num_experts'] as const;

/** Reads the number of experts in a layer, and how many of them each token is routed to. @throws ModelConfigError */
export function readExperts(reader: ConfigReader, defaults: Pick<MixtureDefaults, 'experts' | 'expertsPerToken'>): { experts: number; expertsPerToken: number } {
  const key = expertKeys.find((name) => reader.has(name)) ?? 'num_experts';
  const experts = reader.positiveInteger(key, defaults.experts);
  const expertsPerToken = reader.positiveInteger('num_experts_per_tok', defaults.expertsPerToken);
  if (expertsPerToken > experts) throw reader.wrong('num_experts_per_tok', `at most the number of experts (${experts})`);
  // Only used in training.
  reader.ignore('router_jitter_noise', 'router_aux_loss_coef', 'output_router_logits', ...expertKeys);
  return { experts, expertsPerToken };
}

/** Reads the mixture from configs of Qwen and OLMoE, whose experts are below `mlp`. @throws ModelConfigError */
export function readMixture(reader: ConfigReader, defaults: Pick<MixtureDefaults, 'experts' | 'expertsPerToken'>, intermediateSize: number): Mixture {
  return { ...readExperts(reader, defaults), normalized: reader.boolean('norm_topk_prob', false), path: 'mlp', intermediateSize };
}

/** Reads which layers of Qwen's models have a mixture. The others have a plain MLP. @throws ModelConfigError */
export function mixtureLayers(reader: ConfigReader, { layers }: RotaryConfig): (index: number) => boolean {
  const step = reader.positiveInteger('decoder_sparse_step', 1);
  const plain = reader.has('mlp_only_layers') ? reader.counts('mlp_only_layers') : [];
  if (plain.some((index) => index >= layers)) throw reader.wrong('mlp_only_layers', `a list of layers below num_hidden_layers (${layers})`);
  return (index) => !plain.includes(index) && (index + 1) % step === 0;
}
