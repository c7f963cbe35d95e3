/** Recipes by name: an initial method, and a rebuild strategy after it. All methods in the registries can be named. */
import { initialMethodOf, initialMethods, ownSettings, rebuildMethodOf, rebuildMethods } from '../../../science/methods/index.js';
import type { CommonSettings, InitialMethodName, RebuildStrategy } from '../../../science/methods/index.js';

/** Short names. Everything else is read as `[initial method+]method[:setting=value ...]`. */
export const shortNames: Readonly<Record<string, string>> = {
  refit: 'wanda+guarded:weights=refit',
};

/** The methods that are measured by default, in the order of the tables. */
export const defaultMethods: readonly string[] = [
  'magnitude', 'wanda', 'sparsegpt', 'admm', 'published', 'guarded', 'refit', 'swaps', 'best:effort=1', 'best:effort=3', 'best:effort=10', 'best:effort=30',
];

/** The initial method of a rebuild if its name gives none. */
const defaultStart = 'wanda';

/** Settings of a method, as in a stage of a pipeline. */
export type StageSettings = Record<string, string | number | boolean>;

export interface Recipe {
  initial: { method: InitialMethodName; settings: StageSettings };
  rebuild?: { strategy: RebuildStrategy; common: CommonSettings; settings: StageSettings };
}

/**
 * Reads a method's name, for example `wanda`, `refit`, `published`, `sparsegpt+guarded`, `magnitude+guarded:weights=refit:rounds=3`.
 * A strategy alone comes after Wanda. Settings that are not given have the defaults of the pipeline.
 *
 * @throws Error if a name, a setting or a value is unknown
 */
export function recipeOf(name: string): Recipe {
  const [first, second, ...rest] = longName(name).split('+');
  if (rest.length > 0 || first === '') throw new Error(`method ${name}: expected METHOD or INITIAL+STRATEGY`);
  if (second !== undefined) return withRebuild(initialOf(first), second);
  return isInitial(partsOf(first).name) ? { initial: initialOf(first) } : withRebuild(initialOf(defaultStart), first);
}

/** Expands a short name and keeps the given settings. In `sparsegpt+refit:rounds=2`, refit's strategy follows another initial method. */
function longName(name: string): string {
  const [start, last] = name.includes('+') ? [name.slice(0, name.indexOf('+')), name.slice(name.indexOf('+') + 1)] : [undefined, name];
  const { name: short, said } = partsOf(last);
  if (!Object.hasOwn(shortNames, short)) return name;
  const long = [shortNames[short], ...said].join(':');
  return start === undefined ? long : `${start}+${long.slice(long.indexOf('+') + 1)}`;
}

const isInitial = (name: string): name is InitialMethodName => Object.hasOwn(initialMethods, name);
const isStrategy = (name: string): name is RebuildStrategy => Object.hasOwn(rebuildMethods, name);

function partsOf(part: string): { name: string; said: string[] } {
  const [name, ...said] = part.split(':');
  return { name, said };
}

function initialOf(part: string): Recipe['initial'] {
  const { name, said } = partsOf(part);
  if (!isInitial(name)) throw new Error(`initial method ${name}: expected one of ${Object.keys(initialMethods).join(', ')}`);
  return { method: name, settings: settingsOf(part, said, Object.keys(initialMethodOf(name).settings)) };
}

function withRebuild(initial: Recipe['initial'], part: string): Recipe {
  const { name, said } = partsOf(part);
  if (!isStrategy(name)) {
    throw new Error(`method ${name}: expected one of ${[...Object.keys(shortNames), ...Object.keys(initialMethods), ...Object.keys(rebuildMethods)].join(', ')}`);
  }
  const { settings: known, defaults, defaultWeights, weights: possible } = rebuildMethodOf(name);
  const common = ['granularity', 'metric', 'weights'];
  const stage = settingsOf(part, said, [...common, ...Object.keys(known)]);
  const {
    granularity = 'block', metric = 'weight-gradient', weights = defaultWeights(initialMethodOf(initial.method).updates),
  } = stage as unknown as Partial<CommonSettings>;
  if (!possible.includes(weights)) throw new Error(`method ${part}: weights ${weights}: expected one of ${possible.join(', ')}`);
  const settings = { ...defaults, ...ownSettings(known, stage) } as StageSettings;
  return { initial, rebuild: { strategy: name, common: { granularity, metric, weights }, settings } };
}

function settingsOf(part: string, said: readonly string[], known: readonly string[]): StageSettings {
  const pairs = said.map((text): [string, string | number | boolean] => {
    const [setting, value] = text.split('=');
    if (value === undefined || !known.includes(setting)) throw new Error(`method ${part}: ${text}: expected SETTING=VALUE, with one of ${known.join(', ')}`);
    return [setting, valueOf(value)];
  });
  return Object.fromEntries(pairs);
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
