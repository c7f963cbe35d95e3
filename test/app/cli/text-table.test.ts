import { expect, it } from 'vitest';
import { labelled, numberTable, textTable } from '../../../app/cli/text-table.js';

const rows = [['layer', 'weights'], ['0', '1,024'], ['  q_proj', '5']];

it('makes columns as wide as their widest cell, with text on the left and numbers on the right, without trailing blanks', () => {
  expect(textTable(rows)).toBe('layer     weights\n0         1,024\n  q_proj  5');
  expect(textTable(rows, { numbers: true, firstWidth: 10 })).toBe('layer       weights\n0             1,024\n  q_proj          5');
  expect(numberTable(rows)).toBe('  layer     weights\n  0           1,024\n    q_proj        5\n');
  expect(labelled([['mask', 'a'], ['sparsity', 'b']])).toBe('  mask      a\n  sparsity  b\n');
  expect(textTable([])).toBe('');
});
