import { describe, expect, test } from 'vitest';
import type { EvaluationStage } from '../../../app/config/index.js';
import { failure, parse, pipelineText, problemLines } from './helpers.js';

const text = pipelineText();
const override = (...overrides: string[]) => parse(text, { overrides, currentFolder: '/here' }).pipeline;

describe('--set', () => {
  test('accepts the full path, and the name of the first such stage', () => {
    expect(override('stages.1.initialMask.sparsity=0.6').stages[1]).toMatchObject({ sparsity: 0.6 });
    expect(override('initialMask.sparsity=0.6').stages[1]).toMatchObject({ sparsity: 0.6 });
    const twice = pipelineText().replace('  - rebuild: {}\n', '  - rebuild: {}\n  - rebuild: {}\n');
    expect(parse(twice, { overrides: ['rebuild.ratio=0.5'] }).pipeline.stages.slice(2, 4)).toMatchObject([{ strategy: 'published', ratio: 0.5 }, { strategy: 'guarded' }]);
  });

  test('reads values as YAML: numbers, text, patterns, lists, mappings', () => {
    expect(override('rebuild.ratio=1').stages[2]).toMatchObject({ ratio: 1 });
    expect(override('initialMask.pattern=2:4').stages[1]).toMatchObject({ pattern: '2:4', sparsity: 0.5 });
    expect(override('name="quoted"').name).toBe('quoted');
    expect(override('evaluation.states=[dense, rebuilt]').stages[3]).toMatchObject({ states: ['dense', 'rebuilt'] });
    expect(override('calibration.dataset={ name: c4 }').stages[0]).toMatchObject({ dataset: { name: 'c4' } });
  });

  test('adds mappings that the file leaves out, and sets list items', () => {
    expect(override('engine.backend=wasm').engine).toEqual({ backend: 'wasm' });
    expect((override('evaluation.perplexity.0.maxWindows=4').stages[3] as EvaluationStage).perplexity[0]).toMatchObject({ maxWindows: 4 });
  });

  test('lets later ones win', () => {
    expect(override('rebuild.ratio=0.2', 'rebuild.ratio=0.3').stages[2]).toMatchObject({ ratio: 0.3 });
  });

  test('resolves its relative paths from the current folder, and those of the file from its folder', () => {
    const pipeline = override('model.source=./m', 'calibration.dataset={ file: c.txt }');
    expect(pipeline.model.source).toBe('/here/m');
    expect(pipeline.stages[0]).toMatchObject({ dataset: { file: '/here/c.txt' } });
    expect((pipeline.stages[3] as EvaluationStage).perplexity[0]?.dataset).toEqual({ file: '/pipelines/heldout.txt' });
  });

  test('fixes an error in the file', () => {
    expect(parse(text.replace('sparsity: 0.5', 'sparsity: 50'), { overrides: ['initialMask.sparsity=0.5'] }).pipeline.stages[1]).toMatchObject({ sparsity: 0.5 });
  });

  test('changes only one place of an alias', () => {
    const aliased = pipelineText('  - calibration: &c { dataset: &d { file: t.txt } }\n  - calibration: *c\n  - initialMask: { method: magnitude, sparsity: 0.5 }\n');
    const { stages } = parse(aliased, { overrides: ['stages.0.calibration.dataset.file=/other.txt'] }).pipeline;
    expect(stages.slice(0, 2)).toMatchObject([{ dataset: { file: '/other.txt' } }, { dataset: { file: '/pipelines/t.txt' } }]);
  });

  test.each([
    ['initialMask.sparsity', 'not an assignment; expected `path=value`. Write for example `initialMask.sparsity=0.6`.'],
    ['=0.6', 'not an assignment; expected `path=value`. Write for example `initialMask.sparsity=0.6`.'],
    ['rebuild..ratio=1', 'not an assignment; expected `path=value`. Write for example `initialMask.sparsity=0.6`.'],
    ['rebuild.ratio=', 'no value; expected one after `=`. Write for example `initialMask.sparsity=0.6`.'],
    ['stages.4.rebuild.ratio=1', 'no item 4 in the list `stages`; expected 0 to 3. Items are counted from 0.'],
    ['stages.01.rebuild.ratio=1', 'no item 01 in the list `stages`; expected 0 to 3. Items are counted from 0.'],
    ['name.first=x', '`name` is a single value; expected a mapping or list on the way to `first`. Shorten the path.'],
    ['initialMask.sparsty=0.6', 'unknown key `sparsty` in `initialMask`; expected `method`, `sparsity`, `pattern`, `allocation`, `damping`, `iterations` or `source`. Did you mean `sparsity`?'],
    ['engin.backend=wasm', 'unknown key `engin` in the pipeline; expected `version`, `name`, `model`, `engine`, `durability`, `experts`, `cost`, `outputs`, `stages` or `gates`. Did you mean `engine`?'],
    ['sparsity=0.6', 'no key `sparsity` at the top of the file; expected a path from there, or one that begins with a stage. Did you mean `initialMask.sparsity`?'],
    ['dataset.name=c4', 'no key `dataset` at the top of the file; expected a path from there, or one that begins with a stage. Did you mean `calibration.dataset.name`?'],
    ['initialMask.sparsity=60', '`sparsity` is 60; expected a number above 0 and below 1. Write for example `sparsity: 0.5`.'],
    ['calibration.dataset.name=c4', '`file` and `name` in one dataset; expected one of them. Remove the other.'],
    ['initialMask.pattern=1:4', '`sparsity` is 0.5; expected 0.75, which follows from the pattern 1:4. Leave it out, or change the pattern.'],
    ['initialMask.method=file', '`source` is missing in `initialMask`; expected text. Add for example `source: ./masks/llama-13b-50.safetensors`.'],
    ['__proto__.x=1', 'unknown key `__proto__` in the pipeline; expected `version`, `name`, `model`, `engine`, `durability`, `experts`, `cost`, `outputs`, `stages` or `gates`. Remove it.'],
  ])('refuses %s by name', (wrong, message) => {
    expect(problemLines(text, { overrides: [wrong] })).toEqual([`--set ${wrong}: ${message}`]);
  });

  test('refuses a stage that the file does not have', () => {
    const short = pipelineText('  - initialMask: { method: magnitude, sparsity: 0.5 }\n');
    expect(problemLines(short, { overrides: ['rebuild.ratio=0.5'] })).toEqual(['--set rebuild.ratio=0.5: no stage `rebuild` in the file; expected one. Add the stage, or name another.']);
  });

  test('lists problems of overrides before those of the file', () => {
    const { problems, message } = failure(text.replace('name: test', 'name: a b'), { overrides: ['rebuild.ratio=2'] });
    expect(problems.map(({ line, override: from }) => [line, from])).toEqual([[0, 'rebuild.ratio=2'], [2, undefined]]);
    expect(message).toContain('--set rebuild.ratio=2: `ratio` is 2');
    expect(message).toContain('/pipelines/test.yaml:2:7: `name` is "a b"');
  });
});
