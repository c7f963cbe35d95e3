import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

/** The kinds of file that have a schema: `schemas/KIND.schema.json`. */
export const fileKinds = ['pipeline', 'sweep', 'search', 'lock', 'pack', 'task'] as const;
export type FileKind = (typeof fileKinds)[number];
/** The requests of sweeps and searches have schemas, too, which no file holds (`sweep-request-schema.ts`). */
export type SchemaKind = FileKind | 'request' | 'searchRequest';

/** @param code whether validators are to be made as source text, too */
export function schemaCompiler(code?: { source: true; esm: true }): Ajv2020 {
  return new Ajv2020({ allErrors: true, useDefaults: true, verbose: true, strict: true, strictRequired: false, allowUnionTypes: true, ...(code && { code }) })
    .addVocabulary(['enumDescriptions', 'patternErrorMessage']);
}

/**
 * The validator of a schema, which fills defaults in. The build does this work ahead for its programs, because it takes longer
 * than all else that `validate` does: there, `tools/bundle-programs.mjs` puts compiled validators in place of this file.
 */
export function validatorOf(_kind: SchemaKind, schema: object): ValidateFunction {
  return schemaCompiler().compile(schema);
}
