import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkQuantity } from '../../../app/config/gate-check.js';
import { fileForm } from '../../../app/config/index.js';
import type { DatasetSource } from '../../../app/config/index.js';
import { describeProblems } from '../../../app/config/index.js';
import { datasetLabels } from '../../../workflows/dataset-labels.js';
import { failure, parse, pipelineText, problemLines } from './helpers.js';

const withGates = (yaml: string): string => `${pipelineText()}gates:\n${yaml}`;

describe('gates of a pipeline file', () => {
  it('are resolved: conditions, names, and the dataset if there is only one', () => {
    const { pipeline } = parse(withGates('  - rebuilt perplexity <= 1.05 * initial\n  - { name: exact, check: " sparsity within 0.0001 " }\n'));
    expect(pipeline.gates).toEqual([
      { check: 'rebuilt perplexity <= 1.05 * initial', quantity: { kind: 'perplexity', state: 'rebuilt', dataset: 'heldout.txt' }, comparison: '<=', bound: { factor: 1.05, state: 'initial' } },
      { name: 'exact', check: 'sparsity within 0.0001', quantity: { kind: 'sparsity' }, comparison: 'within', bound: { value: 0.0001 } },
    ]);
    expect(fileForm(pipeline)['gates']).toEqual(['rebuilt perplexity <= 1.05 * initial', { name: 'exact', check: 'sparsity within 0.0001' }]);
  });

  it('change nothing for a pipeline without gates', () => {
    expect(parse(pipelineText()).pipeline).not.toHaveProperty('gates');
    expect(parse(withGates('  - sparsity within 0.1\n')).digest).not.toBe(parse(pipelineText()).digest);
  });

  it.each([
    ['plain', '  - rebuilt perplexity <= twenty\n', '17:27'],
    ['in single quotes', "  - 'rebuilt perplexity <= twenty'\n", '17:28'],
    ['in double quotes', '  - "rebuilt perplexity <= twenty"\n', '17:28'],
    ['with a name', '  - name: good\n    check: rebuilt perplexity <= twenty\n', '18:34'],
    ['folded, where only its beginning is known', '  - >-\n    rebuilt perplexity\n    <= twenty\n', '17:5'],
  ])('have line and column if they are wrong: %s', (_, yaml, place) => {
    const [line] = problemLines(withGates(yaml));
    expect(line).toMatch(new RegExp(`^${place} \`twenty\` is not a number; expected \`dense\` or \`initial\``));
  });

  it('show the line with a caret under the word', () => {
    const text = withGates('  - rebuilt perplexty <= 20\n');
    expect(describeProblems(failure(text), text)).toContain('   17 |   - rebuilt perplexty <= 20\n      |             ^');
  });

  it.each([
    ['rebuilt perplexity of heldot.txt <= 2', 'this pipeline does not evaluate `rebuilt` on the dataset `heldot.txt`; expected `heldout.txt`. Did you mean `heldout.txt`?'],
    ['rebuilt piqa acc >= 0.5', 'it asks for a zero-shot task of the state `rebuilt`, which this pipeline does not evaluate; expected an `evaluation` with one'],
    ['piqa acc drop <= 2 points', 'it asks for a zero-shot task of the state `dense`'],
  ])('are refused for a quantity that is not measured: %s', (gate, message) => {
    const [line] = problemLines(withGates(`  - ${gate}\n`));
    expect(line).toContain(`17:5 ${message}`);
  });

  const stages = (...more: string[]): string => `  - calibration: { dataset: { file: a.txt } }\n  - initialMask: { method: magnitude, sparsity: 0.5 }\n${more.map((stage) => `  - ${stage}\n`).join('')}`;
  const evaluation = 'evaluation: { states: [dense], perplexity: [{ dataset: { file: x/t.txt } }, { dataset: { file: y/t.txt } }] }';
  it.each([
    [stages(evaluation), 'initial perplexity of t.txt <= 2', 'of the state `initial`, which this pipeline does not evaluate; expected a state that is evaluated: `dense`'],
    [stages(evaluation), 'dense perplexity of t.txt <= initial', 'of the state `initial`'],
    [stages(evaluation), 'dense perplexity <= 2', 'it does not say which dataset; expected one of `t.txt`, `t.txt#2`. Write `of t.txt` after it.'],
    [stages(evaluation), 'gap closed of t.txt >= 0.5', 'of the state `initial`'],
    [stages(evaluation), 'weights grown > 0', 'expected a `rebuild` stage'],
    [stages(evaluation), 'seconds rebuild < 1', 'it asks for the seconds of `rebuild`'],
    ['  - evaluation: { perplexity: [{ dataset: { file: t.txt } }] }\n', 'sparsity within 0.1', 'expected an `initialMask` stage'],
  ])('are refused for a state, dataset or stage that does not exist %#', (yaml, gate, message) => {
    expect(problemLines(`${pipelineText(yaml)}gates: ["${gate}"]\n`)[0]).toContain(message);
    expect(problemLines(`${pipelineText(yaml)}gates: ["${gate}"]\n`)).toHaveLength(1);
  });

  it('from --set have their problems reported at that --set', () => {
    expect(problemLines(withGates('  - sparsity within 0.1\n'), { overrides: ['gates.0=sparsity inside 0.1'] })[0]).toContain('--set gates.0=sparsity inside 0.1: `inside` is not a comparison');
  });

  it('on zero-shot tasks need a stage with the task for these states', () => {
    const judged = { type: 'evaluation', states: ['dense', 'rebuilt'], perplexity: [], zeroShot: [{ task: 'arc_easy' }, { task: 'piqa' }, { name: 'mine', file: 'mine.jsonl' }, { task: 'piqa', limit: 3 }] } as never;
    for (const task of ['arc_easy', 'piqa', 'mine', 'piqa#2']) {
      const drop = { kind: 'drop', state: 'rebuilt', task, metric: 'acc' } as const;
      expect(checkQuantity(drop, [judged])).toEqual(drop);
    }
    expect(() => checkQuantity({ kind: 'zeroShot', state: 'dense', task: 'arc_esay', metric: 'acc' }, [judged])).toThrow('Did you mean `arc_easy`?');
    expect(() => checkQuantity({ kind: 'drop', state: 'initial', task: 'piqa', metric: 'acc' }, [judged])).toThrow('of the state `initial`');
  });

  it('name datasets as results do', () => {
    const file = fc.tuple(fc.constantFrom('/a/', '/b/c/', 'C:\\d\\'), fc.constantFrom('t.txt', 'u.txt', 'a b')).map(([folder, name]): DatasetSource => ({ file: folder + name }));
    const named = fc.constantFrom('c4' as const, 'wikitext2' as const, 'ptb' as const).map((name) => ({ name, revision: 'main', specialTokens: true }));
    fc.assert(fc.property(fc.array(fc.oneof(file, named), { minLength: 1, maxLength: 6 }), (datasets) => {
      const stage = { type: 'evaluation' as const, states: ['dense' as const], perplexity: datasets.map((dataset) => ({ dataset, skipTokens: 0, sequenceLength: 8 })) };
      for (const dataset of datasetLabels(datasets)) expect(checkQuantity({ kind: 'perplexity', state: 'dense', dataset }, [stage])).toMatchObject({ dataset });
    }));
  });
});
