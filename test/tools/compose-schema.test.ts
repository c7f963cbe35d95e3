import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { composeSchema, schemaText } from '../../tools/compose-schema.js';

it('has the settings of all methods as they define them (otherwise run `node dist/tools/compose-schema.js`)', () => {
  const text = readFileSync('schemas/pipeline.schema.json', 'utf8');
  expect(schemaText(composeSchema(JSON.parse(text) as Record<string, unknown>))).toBe(text);
});
