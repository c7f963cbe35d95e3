/**
 * Writes the settings of all methods into schemas/pipeline.schema.json (a test compares them). A method's settings are in its
 * folder under science/methods/. The rest of the schema is written by hand.
 * Run it after `npm run build`: `node dist/tools/compose-schema.js`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allocationMethods } from '../science/methods/allocation/registry.js';
import { initialMethods } from '../science/methods/initial/registry.js';
import { rebuildMethods } from '../science/methods/rebuild/registry.js';
import type { Setting, Settings } from '../science/methods/settings.js';

type Json = Record<string, unknown>;
type Methods = Record<string, { description: string; settings: Settings }>;

interface StageSchema extends Json {
  properties: Record<string, object>;
}

/** Settings that every method has. The others come from the methods. */
const common = { initialMask: ['method', 'sparsity', 'pattern', 'allocation'], rebuild: ['strategy', 'granularity', 'metric', 'weights'] };

/** Returns the pipeline's schema with the settings of all methods. @param schema the current schema; its settings of methods are replaced */
export function composeSchema(schema: Json): Json {
  const defs = schema['$defs'] as Record<string, StageSchema>;
  return {
    ...schema,
    $defs: {
      ...defs,
      initialMask: { ...withMethods(defs['initialMask'], common.initialMask, 'method', initialMethods), allOf: initialConditions() },
      allocation: allocationSchema(defs['allocation']),
      rebuild: withMethods(defs['rebuild'], common.rebuild, 'strategy', rebuildMethods),
    },
  };
}

function withMethods(stage: StageSchema, kept: readonly string[], chooser: string, methods: Methods): StageSchema {
  const fixed = Object.fromEntries(kept.map((name) => [name, stage.properties[name]]));
  const choice = { ...fixed[chooser], enum: Object.keys(methods), enumDescriptions: Object.values(methods).map(({ description }) => description) };
  return { ...stage, properties: { ...fixed, [chooser]: choice, ...settingsOf(methods) } };
}

/** Returns the settings of all methods. @throws Error if two methods have different settings with the same name */
function settingsOf(methods: Methods): Record<string, Setting> {
  const all: Record<string, Setting> = {};
  for (const { settings } of Object.values(methods)) {
    for (const [name, setting] of Object.entries(settings)) {
      if (all[name] !== undefined && JSON.stringify(all[name]) !== JSON.stringify(setting)) throw new Error(`two methods have a setting \`${name}\`, and they differ`);
      all[name] = setting;
    }
  }
  return all;
}

/** Conditions: a source for methods that read one, no settings of other methods, and a sparsity for all methods that choose weights. */
function initialConditions(): Json[] {
  const entries = Object.entries(initialMethods);
  const names = (matches: (method: (typeof initialMethods)[keyof typeof initialMethods]) => boolean): string[] => entries.filter(([, method]) => matches(method)).map(([name]) => name);
  const reading = names(({ needs }) => needs === 'source');
  const foreign = Object.keys(settingsOf(initialMethods)).map((setting) => forbidden(setting, names(({ settings }) => !Object.hasOwn(settings, setting))));
  return [
    { if: where(reading), then: { required: ['source'], properties: { allocation: false } } },
    ...foreign,
    {
      if: where(names(({ needs }) => needs !== 'source')),
      then: { if: { properties: { pattern: { const: 'unstructured' } } }, then: { required: ['sparsity'] } },
    },
  ];
}

/** `uniform` is not a method: it means no allocation, with or without a spread. */
function allocationSchema(allocation: StageSchema): StageSchema {
  const even = { uniform: { description: 'The same sparsity everywhere.', settings: {} } };
  const composed = withMethods(allocation, ['method'], 'method', { ...even, ...allocationMethods });
  const all = Object.entries(allocationMethods as Methods);
  const defaults = Object.entries(allocationMethods).map(([name, { defaultSpread }]) => `${defaultSpread} for \`${name}\``);
  const spread = composed.properties['spread'] as Setting;
  const lacking = (setting: string): string[] => all.filter(([, { settings }]) => !Object.hasOwn(settings, setting)).map(([name]) => name);
  return {
    ...composed,
    properties: { ...composed.properties, spread: { ...spread, description: `${spread.description} Default: ${defaults.join(', ')}.` } },
    allOf: Object.keys(settingsOf(allocationMethods)).filter((setting) => lacking(setting).length > 0).map((setting) => forbidden(setting, ['uniform', ...lacking(setting)])),
  };
}

function where(methods: readonly string[]): Json {
  return { required: ['method'], properties: { method: { enum: methods } } };
}

/** Forbids a setting for methods that do not have it. */
function forbidden(setting: string, methods: readonly string[]): Json {
  return { if: where(methods), then: { properties: { [setting]: false } } };
}

/** Formats JSON as a person would: short values without a description are on one line. */
export function schemaText(schema: Json): string {
  return `${layOut(schema, '')}\n`;
}

function layOut(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const items = Array.isArray(value) ? value.map((item) => layOut(item, inner)) : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layOut(item, inner)}`);
  const [open, close, space] = Array.isArray(value) ? ['[', ']', ''] : ['{', '}', ' '];
  if (items.length === 0) return `${open}${close}`;
  const short = `${open}${space}${items.join(', ')}${space}${close}`;
  const explained = !Array.isArray(value) && ('description' in value || 'title' in value);
  if (!explained && !short.includes('\n') && short.length <= 110) return short;
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = resolve(process.cwd(), 'schemas/pipeline.schema.json');
  writeFileSync(file, schemaText(composeSchema(JSON.parse(readFileSync(file, 'utf8')) as Json)));
}
