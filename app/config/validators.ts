import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

/** The kinds of file that have a schema: `schemas/KIND.schema.json`. */
export const fileKinds = ['pipeline', 'sweep', 'search', 'lock', 'pack', 'task'] as const;
export type FileKind = (typeof fileKinds)[number];
/** The requests of sweeps and searches also have schemas, but no files (`sweep-request-schema.ts`). */
export type SchemaKind = FileKind | 'request' | 'searchRequest';

/** @param code whether validators are also generated as source text */
export function schemaCompiler(code?: { source: true; esm: true }): Ajv2020 {
  return new Ajv2020({ allErrors: true, useDefaults: true, verbose: true, strict: true, strictRequired: false, allowUnionTypes: true, ...(code && { code }) })
    .addVocabulary(['enumDescriptions', 'patternErrorMessage']);
}

/**
 * Returns the validator of a schema, which fills in defaults. The build does this work ahead of time for its programs, because it takes
 * longer than everything else in `validate`: `tools/bundle-programs.mjs` replaces this file by compiled validators.
 */
export function validatorOf(_kind: SchemaKind, schema: object): ValidateFunction {
  return schemaCompiler().compile(schema);
}
