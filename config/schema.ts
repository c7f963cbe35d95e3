import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

/** The part of JSON Schema that the pipeline schema uses. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  title?: string;
  description?: string;
  type?: 'object' | 'array' | 'string' | 'number' | 'integer';
  properties?: Record<string, Schema>;
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

function read(): Schema {
  // Beside this folder in the sources, one level further up from the compiled file.
  const found = ['../schemas/', '../../schemas/'].map((folder) => new URL(`${folder}pipeline.schema.json`, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined) throw new Error('schemas/pipeline.schema.json is missing from the installation; install the package again.');
  return JSON.parse(readFileSync(found, 'utf8')) as Schema;
}

/** `schemas/pipeline.schema.json`: the one truth for syntax, defaults and descriptions. */
export const pipelineSchema: Schema = read();

/** The validator of the schema. Fills defaults in. */
export const validate: ValidateFunction = new Ajv2020({ allErrors: true, useDefaults: true, verbose: true, strict: true, strictRequired: false })
  .addVocabulary(['enumDescriptions', 'patternErrorMessage'])
  .compile(pipelineSchema);

/** The schema itself, or the one that it refers to, with its own words on top. */
export function dereference(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const target = pipelineSchema.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {};
  return { ...target, ...schema, $ref: undefined };
}

/** The schema of the value at a path; empty where the schema knows no such path. */
export function schemaAt(segments: readonly string[]): Schema {
  let schema = pipelineSchema;
  for (const segment of segments) {
    const properties = schema.properties ?? {};
    schema = dereference(schema.items ?? (Object.hasOwn(properties, segment) ? (properties[segment]) : {}));
  }
  return schema;
}

/** Names of the stages. */
export const stageTypes: readonly string[] = Object.keys(schemaAt(['stages', '0']).properties ?? {});
