import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

/** The part of JSON Schema that the pipeline schema uses. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  title?: string;
  description?: string;
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | string[];
  properties?: Record<string, Schema>;
  /** What all keys hold, where a mapping's keys are free. */
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
  /** What `pattern` asks for, in words (editors show it too). */
  patternErrorMessage?: string;
  default?: unknown;
  examples?: unknown[];
}

/** A schema of one kind of file, and its validator, which fills defaults in. */
export interface FileSchema {
  /** What such a file holds, for messages. */
  noun: string;
  schema: Schema;
  validate: ValidateFunction;
}

function read(noun: 'pipeline' | 'sweep' | 'lock' | 'pack' | 'task'): FileSchema {
  // Beside this folder in the sources, one level further up from the compiled file.
  const name = `${noun}.schema.json`;
  const found = ['../schemas/', '../../schemas/'].map((folder) => new URL(`${folder}${name}`, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined) throw new Error(`schemas/${name} is missing from the installation; install the package again.`);
  return compile(noun, JSON.parse(readFileSync(found, 'utf8')) as Schema);
}

/** A schema with its validator. */
export function compile(noun: string, schema: Schema): FileSchema {
  const validate = new Ajv2020({ allErrors: true, useDefaults: true, verbose: true, strict: true, strictRequired: false, allowUnionTypes: true })
    .addVocabulary(['enumDescriptions', 'patternErrorMessage'])
    .compile(schema);
  return { noun, schema, validate };
}

/** `schemas/pipeline.schema.json`: the one truth for syntax, defaults and descriptions. */
export const pipelineFile = read('pipeline');
export const pipelineSchema: Schema = pipelineFile.schema;

/** `schemas/sweep.schema.json`, likewise. */
export const sweepFile = read('sweep');

/** `schemas/lock.schema.json` and `schemas/pack.schema.json`, likewise. */
export const lockFile = read('lock');
export const packFile = read('pack');

/** `schemas/task.schema.json`, likewise. */
export const taskFile = read('task');

/** The schema itself, or the one of `root` that it refers to, with its own words on top. */
export function dereference(schema: Schema, root = pipelineSchema): Schema {
  if (schema.$ref === undefined) return schema;
  const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {};
  return { ...target, ...schema, $ref: undefined };
}

/** The schema of the value at a path; empty where the schema knows no such path. */
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
