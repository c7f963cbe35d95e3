import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '#setup/paths.mjs';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { validatorOf, type FileKind, type SchemaKind } from './validators.js';

/** The part of JSON Schema that the pipeline schema uses. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  title?: string;
  description?: string;
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | string[];
  properties?: Record<string, Schema>;
  /** The schema of all values, if the mapping has free keys. */
  additionalProperties?: false | Schema;
  required?: string[];
  dependentRequired?: Record<string, string[]>;
  items?: Schema;
  enum?: string[];
  enumDescriptions?: string[];
  const?: string | number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  maxLength?: number;
  /** Describes in words what `pattern` expects (editors show it too). */
  patternErrorMessage?: string;
  default?: unknown;
  examples?: unknown[];
}

/** The schema of one kind of file, and its validator, which fills in defaults. */
export interface FileSchema {
  /** Name of the kind of file, for messages. */
  noun: string;
  schema: Schema;
  readonly validate: ValidateFunction;
}

function read(noun: FileKind): FileSchema {
  return withValidator(noun, JSON.parse(readFileSync(join(packageRoot, 'schemas', `${noun}.schema.json`), 'utf8')) as Schema);
}

/** Returns a schema with its validator. The validator is built on first use, because a command reads only one or two kinds of file. */
export function withValidator(kind: SchemaKind, schema: Schema, noun: string = kind): FileSchema {
  let validate: ValidateFunction | undefined;
  return {
    noun,
    schema,
    get validate() {
      return (validate ??= validatorOf(kind, schema));
    },
  };
}

/** `schemas/pipeline.schema.json`: the only definition of syntax, defaults and descriptions. */
export const pipelineFile = read('pipeline');
export const pipelineSchema: Schema = pipelineFile.schema;

/** `schemas/sweep.schema.json` */
export const sweepFile = read('sweep');

/** `schemas/search.schema.json` */
export const searchFile = read('search');

/** `schemas/lock.schema.json` and `schemas/pack.schema.json` */
export const lockFile = read('lock');
export const packFile = read('pack');

/** `schemas/task.schema.json` */
export const taskFile = read('task');

/** Resolves a schema's `$ref` in `root`. The schema's own keys override those of the target. */
export function dereference(schema: Schema, root = pipelineSchema): Schema {
  if (schema.$ref === undefined) return schema;
  const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {};
  return { ...target, ...schema, $ref: undefined };
}

/** Returns the schema of the value at a path; empty if the path is unknown. */
export function schemaAt(segments: readonly string[], root = pipelineSchema): Schema {
  let schema = root;
  for (const segment of segments) {
    const properties = schema.properties ?? {};
    const free = schema.additionalProperties === false ? undefined : schema.additionalProperties;
    schema = dereference(schema.items ?? (Object.hasOwn(properties, segment) ? properties[segment] : (free ?? {})), root);
  }
  return schema;
}

/** Names of the stages. */
export const stageTypes: readonly string[] = Object.keys(schemaAt(['stages', '0']).properties ?? {});
