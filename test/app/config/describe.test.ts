import { expect, test } from 'vitest';
import { describeProblems } from '../../../app/config/index.js';
import { failure, pipelineText } from './helpers.js';

test('shows the line with a caret under the place, and names overrides', () => {
  const text = pipelineText().replace('samples: 16', 'sampels: 16');
  expect(describeProblems(failure(text, { overrides: ['rebuild.ratio=7'] }), text)).toBe(
    [
      '--set rebuild.ratio=7: `ratio` is 7; expected a number above 0 and at most 1. Write for example `ratio: 0.1`.',
      '',
      '/pipelines/test.yaml:7:7: unknown key `sampels` in `calibration`; expected `dataset`, `samples`, `sequenceLength`, `sampling`, `seed` or `shards`. Did you mean `samples`?',
      '    7 |       sampels: 16',
      '      |       ^',
    ].join('\n'),
  );
});

test('keeps the caret in place after tabs, and removes control characters', () => {
  const problems = [{ line: 2, column: 4, message: 'odd \u001b[31m' }];
  expect(describeProblems({ path: 'f', problems }, 'x\r\na\tb\u0007c\r\n')).toBe('f:2:4: odd ?[31m\n    2 | a\tb?c\n      |  \t ^');
});

test('cuts long lines around the place', () => {
  const shown = describeProblems({ path: 'f', problems: [{ line: 1, column: 5001, message: 'here' }] }, `${'a'.repeat(5000)}X${'b'.repeat(5000)}`).split('\n');
  expect(shown[1]?.length).toBeLessThan(120);
  expect(shown[1]?.[shown[2]?.indexOf('^') ?? -1]).toBe('X');
});

test('shows no excerpt for a problem without a place or on an empty line', () => {
  expect(describeProblems({ path: 'f', problems: [{ line: 0, column: 0, message: 'no such file' }, { line: 3, column: 1, message: 'end' }] }, 'a\n\n')).toBe('f: no such file\n\nf:3:1: end');
});
