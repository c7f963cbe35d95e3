import type { ConfigReader } from './config-reader.js';

const layerTypes = ['full_attention', 'sliding_attention'] as const;

/**
 * Reads the sliding window of each layer from Qwen's configs; undefined for a layer that sees everything. `layer_types` gives the
 * layers with a window, else they are those from `max_window_layers` on. Both apply only if `use_sliding_window` is true.
 *
 * @param slides whether a layer has the window if there is no `layer_types`, by its index and `max_window_layers`
 * @throws ModelConfigError if a value is wrong, or `layer_types` requires a window that the config does not have.
 */
export function windowsOfLayers(config: ConfigReader, layers: number, slides = (index: number, count: number): boolean => index >= count): (number | undefined)[] {
  const windowed = !config.isNull('sliding_window') && config.boolean('use_sliding_window', false);
  const window = windowed ? config.positiveInteger('sliding_window', 4096) : undefined;
  const count = config.count('max_window_layers', 28);
  return windowsByType(config, layers, {
    window, slides: (index) => windowed && slides(index, count), absence: 'use_sliding_window is false or sliding_window is null',
  });
}

/** The same for Gemma's configs. `layer_types` gives the layers with a window, else they are all but every `period`-th. */
export function windowsButEvery(config: ConfigReader, layers: number, period: number): (number | undefined)[] {
  const window = config.isNull('sliding_window') ? undefined : config.positiveInteger('sliding_window', 4096);
  return windowsByType(config, layers, { window, slides: (index) => (index + 1) % period !== 0, absence: 'sliding_window is null' });
}

interface Windows {
  window: number | undefined;
  /** Whether a layer has the window if the config has no `layer_types`. */
  slides: (index: number) => boolean;
  /** Why there may be no window, for the message. */
  absence: string;
}

function windowsByType(config: ConfigReader, layers: number, { window, slides, absence }: Windows): (number | undefined)[] {
  const types = config.has('layer_types')
    ? config.choices('layer_types', layerTypes, layers)
    : Array.from({ length: layers }, (_, index) => (slides(index) ? 'sliding_attention' : 'full_attention'));
  if (window === undefined && types.includes('sliding_attention')) {
    if (config.has('layer_types')) throw config.wrong('layer_types', `full_attention only, because ${absence}`);
    throw config.wrong('sliding_window', 'an integer above zero, because some layers have a window');
  }
  return types.map((type) => (type === 'sliding_attention' ? window : undefined));
}
