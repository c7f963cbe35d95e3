import { readDocument } from './document.js';
import { pointerOf } from './source-locations.js';
import type { SourceLocations } from './source-locations.js';
import { schemaAt, stageTypes } from './schema.js';
import { listing } from './schema-problems.js';

/** An override that cannot be applied. */
export interface OverrideProblem {
  override: string;
  message: string;
}

type Container = Record<string, unknown> | unknown[];

/**
 * Applies the overrides `a.b=c` of `--set` to the data of a pipeline file. A path starts at the top (`stages.1.rebuild.ratio`,
 * `model.source`) or with the name of a stage (`rebuild.ratio`: the first of that type). Values are YAML.
 */
export function applyOverrides(data: unknown, overrides: readonly string[], places: SourceLocations): OverrideProblem[] {
  return overrides.flatMap((override) => {
    const message = applyOne(data, override, places);
    return message === undefined ? [] : [{ override, message }];
  });
}

/** @returns what is wrong with the override, if anything. */
function applyOne(data: unknown, override: string, places: SourceLocations): string | undefined {
  const equals = override.indexOf('=');
  const words = override.slice(0, Math.max(equals, 0)).trim().split('.');
  if (equals < 0 || words.some((word) => word === '')) return 'not an assignment; expected `path=value`. Write for example `initialMask.sparsity=0.6`.';
  const { value, problems } = readDocument(override.slice(equals + 1));
  if (override.slice(equals + 1).trim() === '') return 'no value; expected one after `=`. Write for example `initialMask.sparsity=0.6`.';
  if (problems[0] !== undefined) return `the value is not YAML: ${problems[0].message}`;

  const path = fromStageName(data, words);
  const meant = meantPaths(words);
  if (meant.length > 0) return `no key \`${words[0] ?? ''}\` at the top of the file; expected a path from there, or one that begins with a stage. Did you mean ${listing(meant)}?`;
  if (path === undefined) return `no stage \`${words[0] ?? ''}\` in the file; expected one. Add the stage, or name another.`;
  let container = data as Container;
  for (const [depth, word] of path.entries()) {
    const here = path.slice(0, depth + 1);
    if (Array.isArray(container) && !hasItem(container, word)) {
      return `no item ${word} in the list \`${path.slice(0, depth).join('.')}\`; expected 0 to ${container.length - 1}. Items are counted from 0.`;
    }
    const slots = container as Record<string, unknown>;
    const last = depth === path.length - 1;
    const absent = slots[word] === undefined || slots[word] === null;
    if (last) slots[word] = value;
    else if (absent) slots[word] = Object.create(null);
    if (last || absent) places.override(pointerOf(here), override);
    if (!last && typeof slots[word] !== 'object') {
      return `\`${here.join('.')}\` is a single value; expected a mapping or list on the way to \`${words.at(-1) ?? ''}\`. Shorten the path.`;
    }
    container = slots[word] as Container;
  }
  return undefined;
}

function hasItem(list: readonly unknown[], word: string): boolean {
  return /^(0|[1-9]\d{0,5})$/.test(word) && Number(word) < list.length;
}

/** Returns the paths that were probably meant if the name of the stage was left out. */
function meantPaths(words: readonly string[]): string[] {
  const [first = ''] = words;
  if (stageTypes.includes(first) || hasKey([], first)) return [];
  return stageTypes.filter((type) => hasKey(['stages', '0', type], first)).map((type) => [type, ...words].join('.'));
}

const hasKey = (place: readonly string[], key: string): boolean => Object.hasOwn(schemaAt(place).properties ?? {}, key);

/** Returns the path from the top, for an override that may start with the name of a stage. */
function fromStageName(data: unknown, words: string[]): string[] | undefined {
  const [first, ...rest] = words as [string, ...string[]];
  if (!stageTypes.includes(first)) return words;
  const { stages } = data as { stages?: unknown };
  const position = Array.isArray(stages) ? stages.findIndex((stage) => typeof stage === 'object' && stage !== null && first in stage) : -1;
  return position < 0 ? undefined : ['stages', String(position), first, ...rest];
}
