import type { ConfigReader } from './config-reader.js';

/** Parts of the names of keys that change the computation of some decoder. */
const ofComputation =
  /attn|attention|rope|rotary|norm|scal|multipl|factor|cap$|capping|clip|bias|window|expert|moe|router|parallel|alibi|residual|layer_types|activation|_act$|gate|conv|mamba|ssm|lora|qk|kv|head|position|mlp|ffn|swiglu|mup|sink|sparse/i;
/** Exceptions: keys for training, memory, or the implementation. */
const ofTraining = /drop|init|implementation|flash|sdpa|kernel|loss|cache|label|output_attentions|^summary|^classifier/i;

/**
 * Refuses a config with a key that may change the computation in a way that the family does not know: a key that was not read, whose
 * name suggests an effect on the computation, and whose value does not switch it off.
 *
 * @throws ModelConfigError with the name of the key
 */
export function refuseUnknownKeys(config: ConfigReader): void {
  for (const [key, value] of config.unread()) {
    if (!isOff(value) && ofComputation.test(key) && !ofTraining.test(key)) {
      throw config.wrong(key, 'no such key, because this family does not know it and it may change what the model computes; remove it if it has no effect');
    }
  }
}

/** Whether a value is null, false, empty, or a count or factor that changes nothing. */
function isOff(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return [null, false, 0, 1, ''].includes(value as null);
}
