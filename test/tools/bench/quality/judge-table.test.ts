import { describe, expect, it } from 'vitest';
import type { ResultLine, Signs } from '../../../../tools/bench/quality/cell.js';
import { judgeTable } from '../../../../tools/bench/quality/judge-table.js';

const calibration = { text: 'c', samples: 2, length: 8, sampling: 'random' as const, seed: 0 };
const evaluation = (name: string) => ({ name, text: name, skip: 0, windows: 4, length: 8 });

/** A measured cell with two texts. `seen` gives its signs on the text `seen`. */
function cell(method: string, perplexity: { seen: number; far: number }, seen: Signs): ResultLine {
  return {
    key: method, model: 'm', pattern: '50', method, engine: 'e', code: 'c', calibration, evaluations: [evaluation('seen'), evaluation('far')],
    measured: { perplexity, signs: { seen, far: { layerError: 0, pathError: 0, divergence: 0 } }, seconds: { initial: 1, rebuild: 1 }, sparsity: 0.5, peakBytes: 1 },
  };
}

const columnOf = (table: string, column: string): Record<string, string> => {
  const rows = table.split('\n').map((line) => line.split('|').slice(1, -1).map((text) => text.trim()));
  const index = rows[0].indexOf(column);
  return Object.fromEntries(rows.slice(2).map((row) => [row[0], row[index]]));
};

describe('table of judges', () => {
  // On the far text the order is a, b, c. The layers' error agrees in every pair, the path's in two, the divergence in one, and the
  // perplexity of the seen text in none.
  const cells = [
    cell('a', { seen: 30, far: 10 }, { layerError: 0.1, pathError: 0.2, divergence: 2 }),
    cell('b', { seen: 20, far: 20 }, { layerError: 0.2, pathError: 0.1, divergence: 3 }),
    cell('c', { seen: 10, far: 30 }, { layerError: 0.3, pathError: 0.3, divergence: 1 }),
  ];

  it('counts the pairs that a judge orders like the perplexity of another text', () => {
    expect(columnOf(judgeTable(cells), 'm: seen for far')).toEqual({
      'error of the layers, pruned path': '100.0 % of 3',
      'distance from the dense path': '66.7 % of 3',
      'divergence from the dense logits': '33.3 % of 3',
      'perplexity': '0.0 % of 3',
    });
  });

  it('leaves out pairs that differ by less than 1 %, other patterns, and results without signs', () => {
    const near = cell('d', { seen: 30, far: 10.05 }, { layerError: 9, pathError: 9, divergence: 9 });
    const other = { ...cells[1], pattern: '2:4' };
    const old = { ...cells[2], measured: { ...cells[2].measured, signs: undefined } } as ResultLine;
    expect(columnOf(judgeTable([...cells.slice(0, 2), near, other, old]), 'm: seen for far')['error of the layers, pruned path']).toBe('50.0 % of 2');
  });

  it('judges a text by itself only if there is no other, and then not by its perplexity', () => {
    const alone = cells.map((line) => ({ ...line, evaluations: [evaluation('seen')] }));
    const column = columnOf(judgeTable(alone), 'm: seen for seen');
    expect(column['perplexity']).toBe('');
    expect(column['distance from the dense path']).toBe('33.3 % of 3');
  });
});
