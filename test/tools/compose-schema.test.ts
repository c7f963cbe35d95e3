import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { composeSchema, schemaText } from '../../tools/compose-schema.js';

it('the schema has the settings of all methods as they say them; run `node dist/tools/compose-schema.js` if it has not', () => {
  const text = readFileSync('schemas/pipeline.schema.json', 'utf8');
  expect(schemaText(composeSchema(JSON.parse(text) as Record<string, unknown>))).toBe(text);
});
