import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pipelineSchema } from '../../app/config/schema.js';
import { pipelineReference } from '../../tools/make-pipeline-reference.js';

test('keeps docs/pipeline-reference.md equal to the schema', () => {
  const made = pipelineReference(pipelineSchema, readFileSync('pipelines/demo.yaml', 'utf8'));
  expect(readFileSync('docs/pipeline-reference.md', 'utf8'), 'run: npm run build && node dist/tools/make-pipeline-reference.js').toBe(made);
});
