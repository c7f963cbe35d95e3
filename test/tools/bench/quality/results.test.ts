import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ResultLine } from '../../../../tools/bench/quality/cell.js';
import { readResults, Results } from '../../../../tools/bench/quality/results.js';

const line = (key: string): ResultLine => ({ key, model: 'm', pattern: '50', method: 'wanda', evaluations: [], engine: 'e', measured: { perplexity: { a: 2 } } });
let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'quality-results-')); });
afterEach(() => { rmSync(folder, { recursive: true }); });

describe('file of results', () => {
  it('is created, and continued by a later process', () => {
    const file = join(folder, 'new', 'results.jsonl');
    const first = new Results(file);
    expect(first.find('a')).toBeUndefined();
    first.add(line('a'));
    expect(first.find('a')).toEqual(line('a'));
    const second = new Results(file);
    expect(second.find('a')).toEqual(line('a'));
    second.add(line('b'));
    expect(readResults(file)).toEqual([line('a'), line('b')]);
  });

  it('measures again what a kill cut off at any byte, and nothing else', () => {
    const [whole, cut] = [line('a'), line('b')].map((one) => `${JSON.stringify(one)}\n`);
    for (let length = 0; length < cut.length; length++) {
      const file = join(folder, `${length}.jsonl`);
      writeFileSync(file, whole + cut.slice(0, length));
      const results = new Results(file);
      expect(results.find('a')).toEqual(line('a'));
      expect(results.find('b')).toBeUndefined();
      results.add(line('c'));
      expect(readResults(file)).toEqual([line('a'), line('c')]);
    }
  });

  it('names the damaged line', () => {
    const file = join(folder, 'damaged.jsonl');
    new Results(file).add(line('a'));
    appendFileSync(file, '{"key" "b"}\n');
    expect(() => readResults(file)).toThrow(/line 2/);
    expect(readFileSync(file, 'utf8')).toContain('"b"');
  });
});
