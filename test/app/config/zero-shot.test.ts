import { describe, expect, it } from 'vitest';
import { fileForm } from '../../../app/config/index.js';
import type { EvaluationStage } from '../../../app/config/pipeline.js';
import { parse, pipelineText, problemLines } from './helpers.js';

const evaluation = (yaml: string): string => pipelineText(`  - evaluation: ${yaml}\n`);
const stage = (yaml: string): EvaluationStage => parse(evaluation(yaml)).pipeline.stages[0] as EvaluationStage;
const problems = (yaml: string): string[] => problemLines(evaluation(yaml)).map((line) => line.replace(/^\d+:\d+ /, ''));

describe('zeroShot', () => {
  it('takes names and mappings, and applies settings of the stage unless a task has its own', () => {
    const { zeroShot, perplexity } = stage('{ zeroShot: [boolq, { task: arc_easy, file: ../easy.jsonl, limit: 5, bos: false }, { name: mine, file: ./mine.jsonl }], limit: 200, bos: true }');
    expect(zeroShot).toEqual([
      { task: 'boolq', limit: 200, bos: true },
      { task: 'arc_easy', file: '/easy.jsonl', limit: 5, bos: false },
      { name: 'mine', file: '/pipelines/mine.jsonl', limit: 200, bos: true },
    ]);
    expect(perplexity).toEqual([]);
  });

  it('uses no BOS token and all documents by default', () => {
    expect(stage('{ zeroShot: [rte] }').zeroShot).toEqual([{ task: 'rte', bos: false }]);
  });

  it('can stand beside perplexity, and leaves pipelines with perplexity alone unchanged', () => {
    expect(stage('{ perplexity: [{ dataset: { file: a.txt } }] }')).not.toHaveProperty('zeroShot');
    expect(stage('{ perplexity: [{ dataset: { file: a.txt } }], zeroShot: [rte] }').perplexity).toHaveLength(1);
  });

  it('survives the form used in locks and reports', () => {
    const { pipeline, digest } = parse(evaluation('{ zeroShot: [boolq, { name: mine, file: ./mine.jsonl }], limit: 3 }'));
    expect(parse(JSON.stringify(fileForm(pipeline))).digest).toBe(digest);
  });

  it.each([
    ['{}', '`perplexity` and `zeroShot` are missing in `evaluation`; expected one of them or both.'],
    ['{ zeroShot: [] }', '`zeroShot` is an empty list; expected a list of 1 to 100 items.'],
    ['{ zeroShot: [bolq] }', '"bolq" is not a known task; expected one of `boolq`, `rte`, `hellaswag`, `winogrande`, `arc_easy`, `arc_challenge`, `openbookqa`, `piqa`. Did you mean `boolq`?'],
    ['{ zeroShot: [{ task: arc }] }', '`task` is "arc"; expected `boolq`,'],
    ['{ zeroShot: [{ name: mine }] }', '`name` without `file`;'],
    ['{ zeroShot: [{ file: ./a.jsonl }] }', 'neither `task` nor `name`;'],
    ['{ zeroShot: [{ task: rte, name: mine, file: ./a.jsonl }] }', '`task` and `name` in one task;'],
    ['{ zeroShot: [{ task: rte, limits: 3 }] }', 'unknown key `limits` in item 1 of `zeroShot`; expected `task`, `name`, `file`, `limit` or `bos`. Did you mean `limit`?'],
    ['{ zeroShot: [3] }', 'item 1 of `zeroShot` is 3; expected the name of a task, or a mapping with `task`, or with `name` and `file`.'],
    ['{ zeroShot: [rte], limit: 0 }', '`limit` is 0;'],
    ['{ zeroShot: [rte], bos: 1 }', '`bos` is 1; expected true or false.'],
  ])('%s is refused', (yaml, message) => {
    const [first, ...others] = problems(yaml);
    expect(first).toContain(message);
    expect(others).toEqual([]);
  });

  it('reports a limit without tasks', () => {
    const { warnings } = parse(evaluation('{ perplexity: [{ dataset: { file: a.txt } }], limit: 3 }'));
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('`limit` has no effect without `zeroShot`')]);
  });

  it('can be used in gates', () => {
    const gated = (gate: string): string => `${pipelineText('  - initialMask: { method: magnitude, sparsity: 0.5 }\n  - evaluation: { zeroShot: [arc_easy, { name: mine, file: m.jsonl }] }\n')}gates: ["${gate}"]\n`;
    expect(parse(gated('initial arc_easy acc drop <= 2 points')).pipeline.gates).toHaveLength(1);
    expect(parse(gated('initial mine acc_norm >= 0.9 * dense')).pipeline.gates).toHaveLength(1);
    expect(problemLines(gated('initial arc_esy acc >= 0.3'))[0]).toContain('Did you mean `arc_easy`?');
    expect(problemLines(gated('initial perplexity <= 20'))[0]).toContain('which this pipeline does not evaluate');
  });
});
