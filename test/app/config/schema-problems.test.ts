import { describe, expect, test } from 'vitest';
import { pipelineSchema } from '../../../app/config/schema.js';
import { failure, pipelineText, problemLines, standardStages } from './helpers.js';

const stage = (yaml: string) => problemLines(pipelineText(`${standardStages}${yaml}\n`)).map((line) => line.replace(/^16:/, ''));

describe('unknown keys', () => {
  test.each([
    ['modle: {}', 'unknown key `modle` in the pipeline; expected `version`, `name`, `model`, `engine`, `durability`, `experts`, `cost`, `outputs`, `stages` or `gates`. Did you mean `model`?'],
    ['Engine: {}', 'unknown key `Engine` in the pipeline; expected `version`, `name`, `model`, `engine`, `durability`, `experts`, `cost`, `outputs`, `stages` or `gates`. Did you mean `engine`?'],
    ['quality: {}', 'unknown key `quality` in the pipeline; expected `version`, `name`, `model`, `engine`, `durability`, `experts`, `cost`, `outputs`, `stages` or `gates`. Remove it.'],
  ])('%s', (yaml, message) => {
    expect(problemLines(pipelineText(undefined, `${yaml}\n`))).toEqual([`4:1 ${message}`]);
  });

  test.each([
    ['sampels', 'samples'],
    ['sample', 'samples'],
    ['samplin', 'sampling'],
    ['sequence_length', 'sequenceLength'],
    ['sequencelength', 'sequenceLength'],
    ['sampelSeed', undefined],
  ])('suggests a key for `%s` in a calibration: %s', (key, meant) => {
    const [line] = stage(`  - calibration: { dataset: { name: c4 }, ${key}: 3 }`) as [string];
    expect(line).toMatch(new RegExp(`^43 unknown key \`${key}\` in \`calibration\`; `));
    expect(/Did you mean `(\w+)`/.exec(line)?.[1]).toBe(meant);
  });

  test('are one problem if a stage is misspelt', () => {
    expect(stage('  - rebiuld: { ratio: 0.1 }')).toEqual([
      '5 unknown key `rebiuld` in item 5 of `stages`; expected `calibration`, `initialMask`, `rebuild` or `evaluation`. Did you mean `rebuild`?',
    ]);
  });

  test('are not reported as missing too if a required key is misspelt', () => {
    expect(stage('  - calibration: { datset: { name: c4 } }')).toEqual([expect.stringContaining('Did you mean `dataset`?')]);
  });
});

describe('wrong values', () => {
  test.each([
    ['  - rebuild: { ratio: many }', '23 `ratio` is "many"; expected a number above 0 and at most 1. Write for example `ratio: 0.1`.'],
    ['  - rebuild: { ratio: 0 }', '23 `ratio` is 0; expected a number above 0 and at most 1. Write for example `ratio: 0.1`.'],
    ['  - rebuild: { ratio: 1.01 }', '23 `ratio` is 1.01; expected a number above 0 and at most 1. Write for example `ratio: 0.1`.'],
    ['  - rebuild: { ratio: .nan }', '23 `ratio` is NaN; expected a number above 0 and at most 1. Write for example `ratio: 0.1`.'],
    ['  - rebuild: { granularity: row }', '29 `granularity` is "row"; expected `block`, `layer`, `output` or `input`. Write for example `granularity: block`.'],
    ['  - rebuild: { metric: Weight_Gradient }', '24 `metric` is "Weight_Gradient"; expected `weight-gradient`, `weight` or `gradient`. Did you mean `weight-gradient`?'],
    ['  - calibration: { dataset: { name: c4 }, samples: 1.5 }', '52 `samples` is 1.5; expected a whole number of at least 1 and at most 1000000. Write for example `samples: 128`.'],
    ['  - calibration: { dataset: { name: c4 }, samples: "16" }', '52 `samples` is "16"; expected a whole number of at least 1 and at most 1000000. Write for example `samples: 128`.'],
    ['  - calibration: { dataset: { name: c4 }, samples: [1] }', '52 `samples` is a list of 1; expected a whole number of at least 1 and at most 1000000. Write for example `samples: 128`.'],
    ['  - calibration: { dataset: { name: c4 }, sequenceLength: 1 }', '59 `sequenceLength` is 1; expected a whole number of at least 2 and at most 1048576. Write for example `sequenceLength: 2048`.'],
    ['  - calibration: { dataset: { name: c4 }, seed: -1 }', '49 `seed` is -1; expected a whole number of at least 0 and at most 4294967295. Write for example `seed: 0`.'],
    ['  - calibration: { dataset: text.txt }', '29 `dataset` is "text.txt"; expected a mapping with `file`, `field`, `name`, `revision` or `specialTokens`. Write for example `dataset: { file: ./text/calibration.txt }`.'],
    ['  - calibration: { dataset: { name: c5 } }', '37 `name` is "c5"; expected `c4`, `wikitext2` or `ptb`. Did you mean `c4`?'],
    ['  - calibration: { dataset: { name: imdb } }', '37 `name` is "imdb"; expected `c4`, `wikitext2` or `ptb`. Write for example `name: c4`.'],
    ['  - calibration: { dataset: {} }', '29 `dataset` is empty; expected `file` or `name`. Write for example `dataset: { file: ./text/calibration.txt }`.'],
    ['  - calibration: { dataset: { file: a, name: c4 } }', '31 `file` and `name` in one dataset; expected one of them. Remove the other.'],
    ['  - calibration: { dataset: { name: c4, field: text } }', '41 `field` without `file`; expected both or neither. Give the file that has the field.'],
    ['  - calibration: { dataset: { file: a, revision: main } }', '40 `revision` without `name`; expected both or neither. Give the name that has the revision.'],
    ['  - calibration: { dataset: { specialTokens: true } }', '20 `file` is missing in `dataset`; expected text. Add for example `file: ./text/calibration.txt`.'],
    ['  - evaluation: { perplexity: [] }', '31 `perplexity` is an empty list; expected a list of 1 to 100 items. Write for example `perplexity: [{ dataset: { file: ./text/heldout.txt } }]`.'],
    ['  - evaluation: { states: [dens], perplexity: [{ dataset: { name: c4 } }] }', '28 item 1 of `states` is "dens"; expected `dense`, `initial` or `rebuilt`. Did you mean `dense`?'],
    ['  - evaluation: { states: [dense, dense], perplexity: [{ dataset: { name: c4 } }] }', '27 `states` is a list of 2; expected a list of 1 to 3 items, each once, out of `dense`, `initial` or `rebuilt`. Write for example `states: [dense, initial, rebuilt]`.'],
  ])('%s', (yaml, expected) => {
    expect(stage(yaml)).toEqual([expected]);
  });

  test.each([
    ['sparsity: 0', '49 `sparsity` is 0; expected a number above 0 and below 1. Write for example `sparsity: 0.5`.'],
    ['sparsity: 1', '49 `sparsity` is 1; expected a number above 0 and below 1. Write for example `sparsity: 0.5`.'],
    ['sparsity: 50%', '49 `sparsity` is "50%"; expected a number above 0 and below 1. Write for example `sparsity: 0.5`.'],
    ['pattern: 2-4', '48 `pattern` is "2-4"; expected `unstructured`, or N:M such as 2:4. Write for example `pattern: unstructured`.'],
    ['pattern: unstructured', '5 `sparsity` is missing in `initialMask`; expected a number above 0 and below 1. Add for example `sparsity: 0.5`, or an N:M `pattern` from which it follows.'],
    ['sparsity: 0.5, source: m.safetensors', '54 `source` without `method: file`; expected it only with that method. Remove it, or set `method: file`.'],
    ['sparsity: 0.5, damping: 0.1', '54 `damping` without `method: sparsegpt` or `method: admm`; expected it only with those methods. Remove it, or set `method: sparsegpt`.'],
  ])('an initial mask with %s', (settings, expected) => {
    expect(problemLines(pipelineText(`  - initialMask: { method: magnitude, ${settings} }\n`))).toEqual([`5:${expected}`]);
  });
});

describe('missing keys', () => {
  test('at the top are all listed, with how to write each', () => {
    expect(problemLines('engine: {}')).toEqual([
      '1:1 `version` is missing in the pipeline; expected `1`. Add for example `version: 1`.',
      '1:1 `name` is missing in the pipeline; expected letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 100 characters. Add for example `name: llama13b-magnitude-block`.',
      '1:1 `model` is missing in the pipeline; expected a mapping with `source` or `revision`. Add for example `model: { source: ./models/llama-13b }`.',
      '1:1 `stages` is missing in the pipeline; expected a list of 1 to 100 items. Add `stages:`.',
    ]);
  });

  test.each([
    ['  - calibration: {}', '5 `dataset` is missing in `calibration`; expected a mapping with `file`, `field`, `name`, `revision` or `specialTokens`. Add for example `dataset: { file: ./text/calibration.txt }`.'],
    ['  - evaluation: {}', '5 `perplexity` and `zeroShot` are missing in `evaluation`; expected one of them or both. Add for example `perplexity: [{ dataset: { file: ./text/heldout.txt } }]` or `zeroShot: [boolq, arc_easy]`.'],
  ])('%s', (yaml, expected) => {
    expect(stage(yaml)).toEqual([expected]);
  });

  test('include the source of a mask file', () => {
    expect(problemLines(pipelineText('  - initialMask: { method: file }\n'))).toEqual([
      '5:5 `source` is missing in `initialMask`; expected text. Add for example `source: ./masks/llama-13b-50.safetensors`.',
    ]);
  });
});

describe('malformed stages', () => {
  test('an empty list', () => {
    expect(problemLines(pipelineText('  []'))).toEqual([expect.stringMatching(/^5:3 `stages` is an empty list; expected a list of 1 to 100 items\./)]);
  });

  test.each([
    ['  - rebuild', '5 item 5 of `stages` is "rebuild"; expected a mapping with `calibration`, `initialMask`, `rebuild` or `evaluation`. Write `- rebuild:` with its settings indented below, or `- rebuild: {}`.'],
    ['  - rebuild:', '13 `rebuild` is empty; expected a mapping with `strategy`, `granularity`, `metric`, `weights`, `ratio`, `rounds`, `tolerance`, `budget`, `swapRounds`, `candidates` or `effort`. Write `rebuild: {}` for the defaults.'],
    ['  - rebuild:\n    ratio: 0.2', '5 the stage has the keys `rebuild`, `ratio`; expected one key, the name of the stage. Indent `ratio` further than `rebuild`, to which it belongs.'],
    ['  - rebuild: {}\n    evaluation: { perplexity: [{ dataset: { name: c4 } }] }', '5 the stage has the keys `rebuild`, `evaluation`; expected one key, the name of the stage. Put `- ` in front of `evaluation`.'],
    ['  - {}', '5 item 5 of `stages` is empty; expected `calibration`, `initialMask`, `rebuild` or `evaluation`. Give its settings below it, indented.'],
  ])('%j', (yaml, expected) => {
    expect(stage(yaml)).toEqual([expected]);
  });
});

test('reports all problems at once, in the order of the file', () => {
  const text = pipelineText('  - calibration: { dataset: { name: c5 }, samples: 0 }\n  - rebuild: { ratio: 2 }\n').replace('version: 1', 'version: 2');
  const { problems, message } = failure(text);
  expect(problems.map(({ line, column }) => [line, column])).toEqual([[1, 10], [5, 37], [5, 52], [6, 5], [6, 23]]);
  for (const problem of problems) expect(message).toContain(`/pipelines/test.yaml:${problem.line}:${problem.column}: ${problem.message.replace(/\.$/, '')}`);
});

test('keeps the message readable if everything is wrong', () => {
  const { problems, message } = failure(pipelineText(undefined, Array.from({ length: 30 }, (_, index) => `key${index}: 1\n`).join('')));
  expect(problems).toHaveLength(30);
  expect(message.split('\n').length).toBe(22);
  expect(message).toMatch(/ {2}and 10 more\.$/);
});

test('never mentions schemas in a message', () => {
  const { message } = failure(pipelineText('  - {}\n  - 7\n  - initialMask: { method: 3 }\n  - initialMask: null\n  - evaluation: { perplexity: { dataset: c4 }, states: dense }\n', 'engine: 3\n'));
  expect(message).not.toMatch(/schema|oneOf|anyOf|must /);
});

test('describes every key of the schema', () => {
  const objects = [pipelineSchema, ...Object.values(pipelineSchema.$defs ?? {})];
  for (const { properties = {} } of objects) {
    for (const [key, property] of Object.entries(properties)) expect(property.description ?? property.$ref, key).toBeTruthy();
  }
});
