import { expectation } from '../../config/schema-problems.js';
import { dereference, pipelineSchema, type Schema } from '../../config/schema.js';

/** A key of the pipeline file. */
export interface Key {
  /** As `--set` takes it, but without list indexes: `evaluation.perplexity.skipTokens`. */
  path: string;
  meaning: string;
  /** The allowed values. */
  range: string;
  /** Absent if there is no default, for example because a value is required. */
  default?: unknown;
  required: boolean;
  choices: { value: string; meaning: string }[];
  examples: unknown[];
  /** Where the schema defines it: a JSON pointer into `schemas/pipeline.schema.json`. */
  pointer: string;
}

/** All keys of the pipeline file, in the order of the schema. The keys of a stage begin with the stage's name. */
export function keysOf(root: Schema = pipelineSchema): Key[] {
  const top = below(root, { path: '', pointer: '#', root }).filter(({ path }) => !path.startsWith('stages.'));
  return [...top, ...below(root.$defs?.['stage'] ?? {}, { path: '', pointer: '#/$defs/stage', root })];
}

interface Place {
  path: string;
  pointer: string;
  root: Schema;
}

function below(schema: Schema, { path, pointer, root }: Place): Key[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const here = { path: path === '' ? name : `${path}.${name}`, pointer: `${pointer}/properties/${name}`, root };
    const whole = dereference(property, root);
    const required = schema.required?.includes(name) === true;
    return [keyOf(whole, required, here), ...inside(property, here)];
  });
}

/** The keys of the schema that this one refers to, or of the items of its list. */
function inside(schema: Schema, place: Place): Key[] {
  if (schema.$ref !== undefined) return below(dereference(schema, place.root), { ...place, pointer: schema.$ref });
  if (schema.items !== undefined) return inside(schema.items, { ...place, pointer: `${place.pointer}/items` });
  return below(schema, place);
}

function keyOf(schema: Schema, required: boolean, { path, pointer }: Place): Key {
  const choices = schema.enum?.map((value, index) => ({ value, meaning: schema.enumDescriptions?.[index] ?? '' })) ?? [];
  return {
    path, pointer, required, choices,
    meaning: schema.description ?? '',
    range: expectation(schema),
    examples: schema.examples ?? [],
    ...(schema.default !== undefined && { default: schema.default }),
  };
}

/**
 * Returns the keys that a person means: the key with this path, or else all keys whose path ends with it. `stages.1.rebuild.ratio`,
 * `rebuild.ratio` and `ratio` mean the same.
 */
export function keysNamed(name: string, keys: readonly Key[]): Key[] {
  const words = name.split('.').filter((word) => !/^\d+$/.test(word));
  const plain = (words.length > 1 && words[0] === 'stages' ? words.slice(1) : words).join('.');
  const exact = keys.filter(({ path }) => path === plain);
  return exact.length > 0 ? exact : keys.filter(({ path }) => path.endsWith(`.${plain}`));
}
