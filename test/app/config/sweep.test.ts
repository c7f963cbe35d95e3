import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { combinationsOf, loadSweep, memberName, parsePipeline, parseSweep, PipelineFileError, type Combination, type ParsedSweep } from '../../../app/config/index.js';
import { pipelineText } from './helpers.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sweep-file-'));
  writeFileSync(path.join(folder, 'test.yaml'), pipelineText());
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const head = 'version: 1\nname: s\npipeline: ./test.yaml\n';
const parse = (text: string, overrides: string[] = []): ParsedSweep => parseSweep({ text: head + text, path: path.join(folder, 'sweep.yaml'), overrides });
/** `file:line message` of each problem. */
function problems(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof PipelineFileError)) throw error;
    return error.problems.map(({ line, message }) => `${path.basename(error.path)}:${line} ${message}`);
  }
  throw new Error(`expected problems in:\n${text}`);
}

describe('expansion', () => {
  it('is the matrix without exclusions and with inclusions, each once (compared with brute force)', () => {
    const value = fc.integer({ min: 0, max: 3 });
    const paths = fc.uniqueArray(fc.constantFrom('a', 'b.c', 'd'), { minLength: 1 });
    const sweeps = paths.chain((keys) =>
      fc.record({
        matrix: fc.tuple(...keys.map(() => fc.uniqueArray(value, { minLength: 1 }))).map((lists) => Object.fromEntries(keys.map((key, index) => [key, lists[index]]))),
        exclude: fc.array(fc.subarray(keys, { minLength: 1 }).chain((some) => fc.tuple(...some.map(() => value)).map((values) => Object.fromEntries(some.map((key, index) => [key, values[index]]))))),
        include: fc.array(fc.tuple(...keys.map(() => value)).map((values) => Object.fromEntries(keys.map((key, index) => [key, values[index]])))),
      }),
    );
    fc.assert(
      fc.property(sweeps, (sweep) => {
        const keys = Object.keys(sweep.matrix);
        const text = (combination: Combination): string => keys.map((key) => combination[key]).join(' ');
        // All numbers of base 4 with one digit for each path.
        const all = Array.from({ length: 4 ** keys.length }, (_, number): Combination => Object.fromEntries(keys.map((key, digit) => [key, Math.floor(number / 4 ** digit) % 4])));
        const wanted = all.filter((combination) => {
          const included = sweep.include.some((entry) => keys.every((key) => entry[key] === combination[key]));
          const inMatrix = keys.every((key) => sweep.matrix[key].includes(combination[key] as number));
          const excluded = sweep.exclude.some((entry) => !keys.some((key) => key in entry && entry[key] !== combination[key]));
          return included || (inMatrix && !excluded);
        });
        const found = combinationsOf(sweep).map(text);
        expect(new Set(found).size).toBe(found.length);
        expect(found.sort()).toEqual(wanted.map(text).sort());
      }),
      { numRuns: 300 },
    );
  });

  it('makes each member the pipeline that `--set` makes, with the differences as its name', () => {
    const { members, maxParallel } = parse('set: { rebuild.strategy: published }\nmatrix:\n  initialMask.sparsity: [0.4, 0.6]\n  rebuild.ratio: [0.1, 0.5]\n');
    expect(members.map(({ name }) => name)).toEqual(['sparsity=0.4,ratio=0.1', 'sparsity=0.4,ratio=0.5', 'sparsity=0.6,ratio=0.1', 'sparsity=0.6,ratio=0.5']);
    expect(members[1].pipeline.stages[1]).toMatchObject({ method: 'magnitude', sparsity: 0.4 });
    expect(members[1].pipeline.stages[2]).toMatchObject({ strategy: 'published', ratio: 0.5 });
    expect(new Set(members.map(({ digest }) => digest)).size).toBe(4);
    expect(maxParallel).toBe(1);
  });

  it('takes values of any kind, and resolves paths from the folder of the sweep', () => {
    const { members } = parse('matrix: { model.source: [./one/model, ./two/model], initialMask.pattern: ["2:4", "4:8"] }\nset: { initialMask.sparsity: 0.5 }\n');
    expect(members.map(({ pipeline }) => pipeline.model.source)).toEqual(['one', 'one', 'two', 'two'].map((name) => path.join(folder, name, 'model')));
    expect(members.map(({ pipeline }) => pipeline.stages[1])).toMatchObject(['2:4', '4:8', '2:4', '4:8'].map((pattern) => ({ pattern })));
    expect(new Set(members.map(({ name }) => name)).size).toBe(4);
    expect(members[0].name).toMatch(/^source=model~[0-9a-f]{6},pattern=2:4$/);
  });

  it.each([
    [{ 'initialMask.sparsity': 0.5 }, 'sparsity=0.5'],
    [{ 'stages.1.rebuild.ratio': 0.1, 'stages.2.rebuild.ratio': 0.2 }, 'stages.1.rebuild.ratio=0.1,stages.2.rebuild.ratio=0.2'],
    [{ 'x.y': true, 'x.z': 'wanda' }, 'y=true,z=wanda'],
  ])('gives the right name for %j', (values, name) => {
    expect(memberName(values)).toBe(name);
  });

  it('takes shared settings from the command line', () => {
    const { members } = parse('set: { initialMask.method: magnitude }\nmatrix: { initialMask.sparsity: [0.4] }\n', ['initialMask.method=wanda']);
    expect(members[0].pipeline.stages[1]).toMatchObject({ method: 'wanda', sparsity: 0.4 });
  });
});

describe('reports errors with file, line, value, expectation and remedy', () => {
  it.each([
    ['matrix: { initialMask.sparsity: [0.4] }\nmaxParalel: 2\n', 'sweep.yaml:5 unknown key `maxParalel` in the sweep; expected `version`, .* Did you mean `maxParallel`\\?'],
    ['matrix:\n  initialMask.sparsity: [0.4,\n    1.5]\n', 'sweep.yaml:6 `sparsity` is 1.5; expected a number above 0 and below 1'],
    ['matrix:\n  initialMask.sparsty: [0.4]\n', 'sweep.yaml:5 unknown key `sparsty` in `initialMask`; .* Did you mean `sparsity`\\?'],
    ['matrix:\n  prune.ratio: [0.4]\n', 'sweep.yaml:5 unknown key `prune`'],
    ['matrix:\n  initialMask.sparsity: 0.4\n', 'sweep.yaml:5 `initialMask.sparsity` is 0.4; expected a list of 1 to 200 items'],
    ['matrix:\n  initialMask.sparsity: [0.4, [1]]\n', 'sweep.yaml:5 item 2 of `initialMask.sparsity` is a list of 1; expected text, a number, `true` or `false`'],
    ['matrix:\n  initialMask.sparsity: [0.4, 0.40]\n', 'sweep.yaml:5 `initialMask.sparsity` has a value twice'],
    ['matrix: {}\n', 'sweep.yaml:4 `matrix` is empty'],
    ['matrix: { initialMask.sparsity: [0.4] }\nexclude:\n  - { initialMask.sparsity: 0.5 }\n', 'sweep.yaml:6 excludes nothing'],
    ['matrix: { initialMask.sparsity: [0.4] }\nexclude: [{ initialMask.sparsity: 0.4 }]\n', 'sweep.yaml:5 excludes all members'],
    ['matrix: { initialMask.sparsity: [0.4] }\nexclude:\n  - { sparsity: 0.4 }\n', 'sweep.yaml:6 `sparsity` is not a path of the matrix; expected `initialMask.sparsity`'],
    ['matrix: { initialMask.sparsity: [0.4] }\ninclude:\n  - { rebuild.granularity: rows }\n', 'sweep.yaml:6 `granularity` is "rows"; expected `block`'],
    ['matrix: { initialMask.method: [magnitude, wanda] }\nstopWhen: { metric: perplexity.rebuilt, above: 9, along: initialMask.method }\n', 'sweep.yaml:5 `initialMask.method` has values that are not numbers'],
    ['matrix: { initialMask.sparsity: [0.4] }\nstopWhen: { metric: perplexity.rebuilt, above: 9, gate: failed, along: initialMask.sparsity }\n', 'sweep.yaml:5 `stopWhen` needs exactly one reason to stop'],
    ['matrix: { initialMask.sparsity: [0.4] }\nstopWhen: { above: 9, along: initialMask.sparsity }\n', 'sweep.yaml:5 `stopWhen` needs exactly one reason to stop'],
    ['matrix: { initialMask.sparsity: [0.4] }\nstopWhen: { gate: failed, along: initialMask.sparsity }\n', 'sweep.yaml:5 member `sparsity=0.4` has no quality gate'],
    ['matrix: { initialMask.sparsity: [0.4] }\nset: { evaluation.states: 5 }\nbest: { metric: perplexity.rebuilt, goal: least }\n', 'sweep.yaml:6 `goal` is "least"; expected `min` or `max`'],
    ['matrix: { initialMask.sparsity: [0.4] }\nset:\n  evaluation.states: initial\n', 'sweep.yaml:6 `states` is "initial"; expected a list'],
    ['matrix: { engine.backend: [wasm, tensorflow, webgpu] }\n', 'sweep.yaml:4 `backend` is "webgpu"; expected `auto`'],
  ])('%j', (text, expected) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${expected}`));
  });

  it('a metric that a member does not have', () => {
    writeFileSync(path.join(folder, 'unjudged.yaml'), pipelineText('  - initialMask: { method: magnitude, sparsity: 0.5 }\n  - evaluation: { perplexity: [{ dataset: { file: a.txt } }] }\n'));
    const text = 'version: 1\nname: s\npipeline: unjudged.yaml\nmatrix: { initialMask.sparsity: [0.4] }\nbest: { metric: perplexity.rebuilt, goal: min }\n';
    expect(() => parseSweep({ text, path: path.join(folder, 'sweep.yaml') })).toThrow(/sweep.yaml:5:\d+: member `sparsity=0.4` has no perplexity.rebuilt/);
  });

  it('a pipeline file that is wrong or missing', () => {
    writeFileSync(path.join(folder, 'bad.yaml'), pipelineText().replace('samples: 16', 'samples: none'));
    const text = (name: string) => `version: 1\nname: s\npipeline: ${name}\nmatrix: { initialMask.sparsity: [0.4] }\n`;
    expect(() => parseSweep({ text: text('bad.yaml'), path: path.join(folder, 'sweep.yaml') })).toThrow(/bad.yaml:\d+:\d+: `samples` is "none"/);
    expect(() => parseSweep({ text: text('absent.yaml'), path: path.join(folder, 'sweep.yaml') })).toThrow(/absent.yaml/);
  });

  it('members that publish to the same place', () => {
    expect(problems('set: { outputs.publish.repository: our/all }\nmatrix: { rebuild.ratio: [0.1, 0.2] }\n')[0]).toMatch(/both publish to our\/all@main; expected a different place for each/);
    expect(parse('matrix: { outputs.publish.repository: [our/a, our/b] }\n').members).toHaveLength(2);
  });

  it('too many members', () => {
    const values = Array.from({ length: 60 }, (_, index) => (index + 1) / 100).join(', ');
    expect(problems(`matrix: { initialMask.sparsity: [${values}], rebuild.ratio: [${values}] }\n`)[0]).toMatch(/^sweep.yaml:4 the matrix has 3600 combinations; expected at most 2000/);
  });
});

it.each(['demo.yaml', 'llama13b.yaml'])('accepts pipelines/sweeps/%s', (name) => {
  expect(loadSweep(path.join('pipelines/sweeps', name)).members.length).toBeGreaterThan(5);
});

describe('names the kind of another file in one message', () => {
  it('for a sweep instead of a pipeline', () => {
    const text = `${head}matrix: { initialMask.sparsity: [0.4] }\nmaxParallel: 2\n`;
    expect(() => parsePipeline({ text, path: path.join(folder, 'sweep.yaml') })).toThrow(/sweep\.yaml:4:1: this file is a sweep; expected a pipeline\. Use `temporal-pipeline sweep run`[^\n]*$/);
  });

  it('for a pipeline instead of a sweep', () => {
    expect(() => parseSweep({ text: `${pipelineText()}\nsweep: { matrix: { initialMask.sparsity: [0.4] } }\n`, path: path.join(folder, 'both.yaml') })).toThrow(/both\.yaml:\d+:1: this file is a pipeline; expected a sweep, which is a separate file/);
  });
});
