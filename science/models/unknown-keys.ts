import type { ConfigReader } from './config-reader.js';

/** Parts of names of keys that change what some decoder computes. */
const ofComputation =
  /attn|attention|rope|rotary|norm|scal|multipl|factor|cap$|capping|clip|bias|window|expert|moe|router|parallel|alibi|residual|layer_types|activation|_act$|gate|conv|mamba|ssm|lora|qk|kv|head|position|mlp|ffn|swiglu|mup|sink|sparse/i;
/** Of these, what concerns training, memory, or how it is computed. */
const ofTraining = /drop|init|implementation|flash|sdpa|kernel|loss|cache|label|output_attentions|^summary|^classifier/i;

/**
 * Refuses what may be computed in another way than the family does it: a key that nothing has read, whose name is of the kind
 * that changes computations, and whose value is not the usual way to say "no".
 *
 * @throws ModelConfigError that names the key
 */
export function refuseUnknownKeys(config: ConfigReader): void {
  for (const [key, value] of config.unread()) {
    if (!isOff(value) && ofComputation.test(key) && !ofTraining.test(key)) {
      throw config.wrong(key, 'no such key, because this family does not know it, and it may change what the model computes; remove it if it does not');
    }
  }
}

/** Null, false, nothing in it, or a count or a factor that changes nothing. */
function isOff(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return [null, false, 0, 1, ''].includes(value as null);
}
