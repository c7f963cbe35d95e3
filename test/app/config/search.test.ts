import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadPipeline, loadSearch, loadSweep, PipelineFileError, type ParsedSearch } from '../../../app/config/index.js';
import { gridOf, gridProblems } from '../../../app/config/search-checks.js';
import { pipelineText } from './helpers.js';

const folder = mkdtempSync(path.join(tmpdir(), 'search-file-'));
const file = path.join(folder, 'search.yaml');
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(path.join(folder, 'bare.yaml'), pipelineText());
writeFileSync(path.join(folder, 'test.yaml'), `${pipelineText()}gates: [rebuilt perplexity <= 30]\n`);

const head = 'version: 1\nname: s\npipeline: ./test.yaml\n';
function load(text: string, overrides: string[] = []): ParsedSearch {
  writeFileSync(file, head + text);
  return loadSearch(file, overrides);
}
/** `file:line message` of each problem. */
function problems(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (!(error instanceof PipelineFileError)) throw error;
    return error.problems.map(({ line, message }) => `${path.basename(error.path)}:${line} ${message}`);
  }
  throw new Error(`expected problems in:\n${text}`);
}

describe('the points of a search', () => {
  it('are all multiples of the step, written in short form, with the sparsest last', () => {
    const { members, over } = load('over: { sparsity: { from: 0.1, to: 0.4, step: 0.1 } }\n');
    expect(members.map(({ name }) => name)).toEqual(['sparsity=0.1', 'sparsity=0.2', 'sparsity=0.3', 'sparsity=0.4']);
    expect(members.map(({ pipeline }) => pipeline.stages[1])).toMatchObject([0.1, 0.2, 0.3, 0.4].map((sparsity) => ({ sparsity })));
    expect(new Set(members.map(({ digest }) => digest)).size).toBe(4);
    expect(over).toEqual({ sparsity: { from: 0.1, to: 0.4, step: 0.1 } });
    expect(load('over: { sparsity: { from: 0.3, to: 0.8 } }\n').members).toHaveLength(51);
  });

  it('are correct for any whole number of steps, and refused otherwise (compared with counting in thousandths)', () => {
    const grids = fc.record({ from: fc.integer({ min: 1, max: 900 }), step: fc.integer({ min: 1, max: 99 }), to: fc.integer({ min: 2, max: 999 }) });
    fc.assert(
      fc.property(grids, ({ from, step, to }) => {
        const over = { sparsity: { from: from / 1000, step: step / 1000, to: to / 1000 } };
        const isSound = to > from && (to - from) % step === 0;
        expect(gridProblems(over).length).toBe(isSound ? 0 : 1);
        if (!isSound) return;
        const expected = [];
        for (let thousandths = from; thousandths <= to; thousandths += step) expected.push(thousandths / 1000);
        expect(gridOf(over).map((values) => values['initialMask.sparsity'])).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('with patterns are in the order of their sparsity, with larger groups first if it is equal', () => {
    const { members } = load('set: { rebuild.granularity: output }\nover: { patterns: ["1:4", "2:4", "3:4", "4:8", "2:3"] }\n');
    expect(members.map(({ pipeline }) => (pipeline.stages[1] as { pattern?: string }).pattern)).toEqual(['3:4', '2:3', '4:8', '2:4', '1:4']);
    expect(members.map(({ name }) => name)[1]).toBe('pattern=2:3,sparsity=0.333333');
  });

  it('use the gates of the pipeline, or those of the search instead', () => {
    const over = 'over: { sparsity: { from: 0.4, to: 0.5, step: 0.1 } }\n';
    const checks = ({ members }: ParsedSearch): string[][] => members.map(({ pipeline: { gates = [] } }) => gates.map(({ check }) => check));
    expect(checks(load(over))).toEqual([['rebuilt perplexity <= 30'], ['rebuilt perplexity <= 30']]);
    expect(checks(load(`${over}gates: [rebuilt perplexity <= 20, { name: zeros, check: sparsity within 0.01 }]\n`))[1]).toEqual(['rebuilt perplexity <= 20', 'sparsity within 0.01']);
    expect(checks(load(over, ['gates.0=rebuilt perplexity <= 7']))[0]).toEqual(['rebuilt perplexity <= 7']);
  });
});

describe('reports errors with file, line, value, expectation and remedy', () => {
  it.each([
    ['over: {}\n', 'search.yaml:4 `over` has neither `sparsity` nor `patterns`; expected one of the two. Add one.'],
    ['over: { sparsity: { from: 0.3, to: 0.4 }, patterns: ["2:4"] }\n', 'search.yaml:4 `over` has `sparsity` and `patterns`; expected one of the two. Keep one.'],
    ['over:\n  sparsity: { from: 0.3,\n    to: 0.3 }\n', 'search.yaml:6 `to` is 0.3; expected more than `from`, 0.3. Swap'],
    ['over:\n  sparsity: { from: 0.3,\n    to: 0.85, step: 0.1 }\n', 'search.yaml:6 `to` is 0.85, which no whole number of steps of 0.1 from 0.3 reaches; expected for example 0.8 or 0.9. Change'],
    ['over: { sparsity: { from: 0.1, to: 0.9, step: 0.0001 } }\n', 'search.yaml:4 there are 8001 sparsities from 0.1 to 0.9; expected at most 1000. Use a larger `step`'],
    ['over: { sparsity: { from: 0.3, to: 1.5 } }\n', 'search.yaml:4 `to` is 1.5; expected a number above 0 and below 1'],
    ['over: { sparsity: { from: 0.3 } }\n', 'search.yaml:4 `to` is missing'],
    ['over: { sparsity: { from: 0.3, to: 0.4, stepp: 0.1 } }\n', 'search.yaml:4 unknown key `stepp` in `sparsity`; .* Did you mean `step`\\?'],
    ['over: { patterns: ["2:4", "4:2"] }\n', 'search.yaml:4 pattern "4:2" keeps 4 of every 2; expected N:M with 1 <= N < M'],
    ['over: { patterns: ["2:4", half] }\n', 'search.yaml:4 item 2 of `patterns` is "half"; expected N:M'],
    ['over: { patterns: ["2:4", "2:4"] }\n', 'search.yaml:4 `patterns` has a value twice'],
    ['set:\n  initialMask.pattern: "2:4"\nover:\n  sparsity: { from: 0.3, to: 0.5 }\n', 'search.yaml:7 `sparsity` is 0.3; expected 0.5, which follows from the pattern 2:4'],
    ['set:\n  rebuild.strategi: published\nover: { sparsity: { from: 0.3, to: 0.5 } }\n', 'search.yaml:5 unknown key `strategi` in `rebuild`'],
    ['over: { sparsity: { from: 0.3, to: 0.5 } }\ngates: [rebuilt perplexty <= 3]\n', 'search.yaml:5 `perplexty` is not a quantity'],
    ['over: { sparsity: { from: 0.3, to: 0.5 } }\ngates: []\n', 'search.yaml:5 `gates` is an empty list'],
    ['ovr: { sparsity: { from: 0.3, to: 0.5 } }\n', 'search.yaml:4 unknown key `ovr` in the search; expected .* Did you mean `over`\\?'],
  ])('%j', (text, expected) => {
    const found = problems(text);
    expect(found, found.join('\n')).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${expected}`));
  });

  it('a pipeline without gates, at the line that names it', () => {
    writeFileSync(file, 'version: 1\nname: s\npipeline: ./bare.yaml\nover: { sparsity: { from: 0.3, to: 0.5 } }\n');
    expect(() => loadSearch(file)).toThrow(/search\.yaml:3:11: the pipeline has no quality gate; expected `gates`, which say what passes\. Add them/);
  });

  it('a pipeline file that is wrong or missing', () => {
    writeFileSync(path.join(folder, 'bad.yaml'), pipelineText().replace('samples: 16', 'samples: none'));
    for (const [name, message] of [['bad.yaml', /bad\.yaml:\d+:\d+: `samples` is "none"/], ['absent.yaml', /absent\.yaml/]] as const) {
      writeFileSync(file, `version: 1\nname: s\npipeline: ./${name}\nover: { sparsity: { from: 0.3, to: 0.5 } }\n`);
      expect(() => loadSearch(file)).toThrow(message);
    }
  });
});

describe('names the kind of another file in one message', () => {
  it('for a search instead of a pipeline or a sweep', () => {
    writeFileSync(file, `${head}over: { sparsity: { from: 0.3, to: 0.5 } }\n`);
    expect(() => loadPipeline(file)).toThrow(/search\.yaml:4:1: this file is a search; expected a pipeline\. Use `temporal-pipeline search run`[^\n]*$/);
    expect(() => loadSweep(file)).toThrow(/search\.yaml:4:1: this file is a search; expected a sweep\. [^\n]*$/);
  });

  it('for a pipeline or a sweep instead of a search', () => {
    expect(() => loadSearch('pipelines/demo.yaml')).toThrow(/demo\.yaml:\d+:1: this file is a pipeline; expected a search, which is a separate file/);
    expect(() => loadSearch('pipelines/sweeps/demo.yaml')).toThrow(/demo\.yaml:\d+:1: this file is a sweep; expected a search/);
  });
});

it('accepts pipelines/searches/demo.yaml', () => {
  expect(loadSearch('pipelines/searches/demo.yaml').members).toHaveLength(17);
});
