import { expect, it } from 'vitest';
import { fileForm, parsePipeline } from '../../../app/config/index.js';
import { pipelineText, problemLines } from './helpers.js';

const parsed = (head = '') => parsePipeline({ text: pipelineText(undefined, head), path: '/p.yaml' });

it('accepts the price of an hour, and keeps the digest of a pipeline without one', () => {
  const { pipeline } = parsed('cost: { perHour: 2.5 }\n');
  expect(pipeline.cost).toEqual({ perHour: 2.5, currency: 'USD' });
  expect(fileForm(pipeline)).toMatchObject({ cost: { perHour: 2.5, currency: 'USD' } });
  expect(parsed().pipeline).not.toHaveProperty('cost');
});

it.each([
  ['{ perHour: -1 }', '`perHour` is -1; expected a number of at least 0 and at most 1000000. Write for example `perHour: 2.5`.'],
  ['{ currency: EUR }', '`perHour` is missing in `cost`; expected a number of at least 0 and at most 1000000. Add for example `perHour: 2.5`.'],
])('%s is refused', (yaml, message) => {
  const lines = problemLines(pipelineText(undefined, `cost: ${yaml}\n`));
  expect(lines.map((line) => line.replace(/^4:\d+ /, ''))).toEqual([message]);
});
