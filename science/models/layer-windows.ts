import type { ConfigReader } from './config-reader.js';

/**
 * The sliding window of each layer in Qwen's configs, undefined where a layer sees everything: `layer_types` where it is
 * given, else the layers from `max_window_layers` on, and either only if `use_sliding_window` is true.
 *
 * @throws ModelConfigError if a value is wrong, or `layer_types` asks for a window that the config does not have.
 */
export function windowsOfLayers(config: ConfigReader, layers: number): (number | undefined)[] {
  const windowed = config.boolean('use_sliding_window', false) && !config.isNull('sliding_window');
  const window = windowed ? config.positiveInteger('sliding_window', 4096) : undefined;
  const first = config.count('max_window_layers', 28);
  const types = config.has('layer_types')
    ? config.choices('layer_types', ['full_attention', 'sliding_attention'], layers)
    : Array.from({ length: layers }, (_, index) => (windowed && index >= first ? 'sliding_attention' : 'full_attention'));
  if (!windowed && types.includes('sliding_attention')) {
    throw config.wrong('layer_types', 'full_attention only, because use_sliding_window is false or sliding_window is null');
  }
  return types.map((type) => (type === 'sliding_attention' ? window : undefined));
}
