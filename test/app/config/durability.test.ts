import { expect, it } from 'vitest';
import { maxLossOf, parsePipeline } from '../../../app/config/index.js';
import { pipelineText, problemLines } from './helpers.js';

const parsed = (head = '') => parsePipeline({ text: pipelineText(undefined, head), path: '/p.yaml' });

it('allows a crash to cost a minute unless the file says otherwise', () => {
  expect(maxLossOf(parsed().pipeline)).toBe(60);
  expect(maxLossOf(parsed('durability: {}\n').pipeline)).toBe(60);
  expect(maxLossOf(parsed('durability: { maxLoss: 0.5 }\n').pipeline)).toBe(0.5);
});

it('keeps the digest of a pipeline without the setting', () => {
  expect(parsed().pipeline).not.toHaveProperty('durability');
  expect(parsed('durability: { maxLoss: 60 }\n').digest).not.toBe(parsed().digest);
});

it.each([
  ['{ maxLoss: -1 }', '`maxLoss` is -1; expected a number of at least 0 and at most 86400. Write for example `maxLoss: 60`.'],
  ['{ maxLoss: never }', '`maxLoss` is "never"; expected a number of at least 0 and at most 86400. Write for example `maxLoss: 60`.'],
  ['{ maxloss: 1 }', 'unknown key `maxloss` in `durability`; expected `maxLoss`. Did you mean `maxLoss`?'],
])('%s is refused', (yaml, message) => {
  const lines = problemLines(pipelineText(undefined, `durability: ${yaml}\n`));
  expect(lines).toEqual([expect.stringMatching(/^4:\d+ /)]);
  expect(lines[0].replace(/^4:\d+ /, '')).toBe(message);
});
