import { describe, expect, test } from 'vitest';
import { asLine, parse, pipelineText, problemLines } from './helpers.js';

const calibration = '  - calibration: { dataset: { file: text.txt }, samples: 16, sequenceLength: 256 }\n';
const mask = '  - initialMask: { method: magnitude, sparsity: 0.5 }\n';
const rebuild = '  - rebuild: {}\n';
const evaluation = (settings: string) => `  - evaluation: { perplexity: [{ dataset: { name: c4 } }], ${settings} }\n`;

describe('stages in the wrong order', () => {
  test.each([
    ['rebuild before the mask', calibration + rebuild + mask, ['6:5 `rebuild` before any `initialMask`; expected a mask to rebuild. Move it after the `initialMask` stage, or add one.']],
    ['rebuild without calibration', mask + rebuild + calibration, ['6:5 `rebuild` without calibration; expected a `calibration` stage before it. Add one.']],
    ['wanda without calibration', '  - initialMask: { method: wanda, sparsity: 0.5 }\n', ['5:28 method `wanda` without calibration; expected a `calibration` stage before it. Add one, or use `method: magnitude`.']],
    ['sparsegpt without calibration', '  - initialMask: { method: sparsegpt, sparsity: 0.5 }\n' + calibration, ['5:28 method `sparsegpt` without calibration; expected a `calibration` stage before it. Add one, or use `method: magnitude`.']],
    ['a second mask', mask + mask, ['6:5 a second `initialMask`; expected at most one in a pipeline. Remove it, or put it in its own pipeline.']],
    ['initial evaluated before it is there', evaluation('states: [dense, initial]') + mask, ['5:76 state `initial` does not exist yet; expected `dense` here. Move the evaluation after the stage `initialMask`.']],
    ['rebuilt evaluated before it is there', mask + evaluation('states: [rebuilt]'), ['6:69 state `rebuilt` does not exist yet; expected `dense`, `initial` here. Move the evaluation after the stage `rebuild`.']],
    ['nothing but calibration', calibration, ['4:1 nothing to do but calibration; expected an `initialMask`, `rebuild` or `evaluation` stage. Add one.']],
  ])('are refused: %s', (_, stages, expected) => {
    expect(problemLines(pipelineText(stages))).toEqual(expected);
  });

  test.each([
    ['only a mask', mask],
    ['only an evaluation of the dense model', evaluation('states: [dense]')],
    ['rebuild twice with an evaluation between', calibration + mask + rebuild + evaluation('states: [rebuilt]') + rebuild + evaluation('states: [initial, rebuilt]')],
    ['calibration after a magnitude mask', mask + calibration + rebuild],
    ['wanda with calibration', calibration + '  - initialMask: { method: wanda, sparsity: 0.5 }\n'],
  ])('are not reported for: %s', (_, stages) => {
    expect(parse(pipelineText(stages)).warnings).toEqual([]);
  });

  test('are reported beside other problems, but not if the name of a stage is unreadable', () => {
    expect(problemLines(pipelineText(rebuild + '  - initialMask: { method: magnitude, sparsity: 2 }\n'))).toHaveLength(3);
    expect(problemLines(pipelineText('  - calibratoin: { dataset: { name: c4 } }\n' + rebuild))).toEqual([expect.stringContaining('Did you mean `calibration`?')]);
  });
});

test('refuses a precision that WebAssembly does not have', () => {
  const of = (engine: string) => problemLines(pipelineText(mask, `engine: ${engine}\n`));
  expect(of('{ backend: wasm, precision: tf32 }').map((line) => line.replace(/^\d+:\d+ /, ''))).toEqual([
    'precision "tf32" is not possible with the backend `wasm`, which computes in float32. Remove it, or set `backend: tensorflow`.',
  ]);
  for (const engine of ['{ backend: wasm, precision: float32 }', '{ precision: bfloat16 }', '{ backend: tensorflow, precision: tf32 }']) parse(pipelineText(mask, `engine: ${engine}\n`));
});

describe('the field of a text', () => {
  const stages = (dataset: string) => calibration.replace('{ file: text.txt }', dataset) + mask;

  test.each(['a.json', 'a.jsonl', 'a.ndjson', 'a.parquet', 'a.json.gz', 'A.JSONL.GZ'])('is allowed for %s', (file) => {
    expect(parse(pipelineText(stages(`{ file: ${file}, field: story }`))).warnings).toEqual([]);
  });

  test('is refused for plain text, in calibration and evaluation', () => {
    const message = '`field` for "text.txt", which is read as plain text; expected it only with .json, .jsonl, .ndjson (each also with .gz) or .parquet files. Remove it, or rename the file.';
    expect(problemLines(pipelineText(stages('{ file: text.txt, field: story }')))).toEqual([`5:47 ${message}`]);
    expect(problemLines(pipelineText(`${stages('{ file: a.json }')}  - evaluation: { states: [dense], perplexity: [{ dataset: { file: text.txt, field: x } }] }\n`))).toEqual([
      expect.stringContaining(message),
    ]);
  });
});

describe('patterns', () => {
  test.each(['4:4', '5:4', '0:4', '0:0'])('%s is refused because it keeps all or nothing', (pattern) => {
    expect(problemLines(pipelineText(`  - initialMask: { method: magnitude, pattern: "${pattern}" }\n`))).toEqual([
      expect.stringMatching(new RegExp(`^5:48 pattern "${pattern}" keeps .*; expected N:M with 1 <= N < M\\.`)),
    ]);
  });

  test('a sparsity that contradicts the pattern is refused', () => {
    expect(problemLines(pipelineText('  - initialMask: { method: magnitude, pattern: 1:4, sparsity: 0.5 }\n'))).toEqual([
      '5:63 `sparsity` is 0.5; expected 0.75, which follows from the pattern 1:4. Leave it out, or change the pattern.',
    ]);
  });

  test.each([['swaps', 46], ['best', 45]])('a budget of columns is refused with strategy %s, which works within rows', (strategy, column) => {
    const stages = (granularity: string, pattern = 'unstructured') =>
      `${calibration}  - initialMask: { method: magnitude, sparsity: 0.5, pattern: "${pattern}" }\n  - rebuild: { strategy: ${strategy}, ${granularity} }\n`;
    expect(problemLines(pipelineText(stages('granularity: input')))).toEqual([
      `7:${column} granularity \`input\` cannot be combined with strategy \`${strategy}\`, which works within rows; expected \`output\`. Write \`granularity: output\`.`,
    ]);
    expect(parse(pipelineText(stages('granularity: layer'))).warnings).toEqual([]);
  });

  test('another granularity is warned about, since weights grow by row under a pattern', () => {
    const stages = (granularity: string) => `${calibration}  - initialMask: { method: magnitude, pattern: "2:4" }\n  - rebuild: {${granularity}}\n`;
    expect(parse(pipelineText(stages('granularity: layer'))).warnings.map(asLine)).toEqual([
      '7:28 granularity `layer` has no effect with the pattern 2:4: growth is by row, as for `output`. Write `granularity: output`.',
    ]);
    expect(parse(pipelineText(stages(''))).warnings.map(asLine)).toEqual([expect.stringMatching(/^7:14 granularity `block` has no effect/)]);
    expect(parse(pipelineText(stages('granularity: output'))).warnings).toEqual([]);
  });
});

describe('an allocation', () => {
  const stages = (settings: string, before = calibration) => pipelineText(`${before}  - initialMask: { method: magnitude, ${settings} }\n`);

  test('is resolved, and uniform is the default', () => {
    expect(parse(stages('sparsity: 0.5, allocation: { method: owl, spread: 0.05 }')).pipeline.stages[1]).toMatchObject({ allocation: { method: 'owl', spread: 0.05 } });
    expect(parse(stages('sparsity: 0.5, allocation: { method: uniform }')).pipeline.stages[1]).not.toHaveProperty('allocation');
    expect(parse(stages('sparsity: 0.5, allocation: { method: uniform, spread: 0.1 }')).pipeline.stages[1]).not.toHaveProperty('allocation');
    expect(parse(stages('sparsity: 0.5, allocation: { method: dlp }')).pipeline.stages[1]).toMatchObject({ allocation: { method: 'dlp' } });
  });

  test('by position needs no calibration', () => {
    const { pipeline } = parse(stages('sparsity: 0.5, allocation: { method: ramp, spread: 0.1, kinds: 0 }', ''));
    expect(pipeline.stages[0]).toMatchObject({ allocation: { method: 'ramp', spread: 0.1, kinds: 0 } });
  });

  test.each([
    ['without calibration', stages('sparsity: 0.5, allocation: { method: owl }', ''), '5:54 allocation by `owl` without calibration; expected a `calibration` stage before it. Add one, or leave `allocation` out.'],
    ['by DLP without calibration', stages('sparsity: 0.5, allocation: { method: dlp }', ''), '5:54 allocation by `dlp` without calibration; expected a `calibration` stage before it. Add one, or leave `allocation` out.'],
    ['a setting of another method', stages('sparsity: 0.5, allocation: { method: dlp, kinds: 0.1 }'), '6:81 `kinds` without `method: ramp`; expected it only with that method. Remove it, or set `method: ramp`.'],
    ['kinds of none', stages('sparsity: 0.5, allocation: { method: uniform, kinds: 0.1 }'), '6:85 `kinds` without `method: ramp`; expected it only with that method. Remove it, or set `method: ramp`.'],
    ['a ramp with a pattern', stages('pattern: "2:4", allocation: { method: ramp }', ''), '5:55 allocation by `ramp` with the pattern 2:4; expected none, since the pattern fixes the sparsity everywhere. Remove it, or give a `sparsity` instead of the pattern.'],
    ['with a pattern', stages('pattern: "2:4", allocation: { method: sensitivity }'), '6:55 allocation by `sensitivity` with the pattern 2:4; expected none, since the pattern fixes the sparsity everywhere. Remove it, or give a `sparsity` instead of the pattern.'],
    ['with a file', pipelineText(`${calibration}  - initialMask: { method: file, source: m, allocation: { method: owl } }\n`), '6:45 `allocation` with `method: file`; expected none, because the file decides which weights are pruned. Remove it.'],
  ])('is refused: %s', (_, text, problem) => {
    expect(problemLines(text)).toEqual([problem]);
  });
});

describe('the strategy of a rebuild', () => {
  const rebuildOf = (settings: string) => parse(pipelineText(`${calibration}${mask}  - rebuild: {${settings}}\n`));

  test.each([
    ['', { strategy: 'guarded', weights: 'keep-updates' }],
    ['weights: refit', { strategy: 'guarded', weights: 'refit' }],
    ['rounds: 3', { strategy: 'guarded', rounds: 3 }],
    ['ratio: 0.1', { strategy: 'published', ratio: 0.1, weights: 'keep-dense' }],
    ['strategy: published', { strategy: 'published', ratio: 0.1, weights: 'keep-dense' }],
    ['strategy: published, weights: keep-updates', { strategy: 'published', weights: 'keep-updates' }],
  ])('gets its defaults with {%s}', (settings, expected) => {
    const { pipeline, warnings } = rebuildOf(settings);
    expect(pipeline.stages[2]).toMatchObject(expected);
    expect(warnings).toEqual([]);
  });

  test('refits by default if weights are no longer the dense ones', () => {
    const weightsAfter = (method: string, ...rebuilds: string[]) =>
      parse(pipelineText([calibration, `  - initialMask: { method: ${method}, sparsity: 0.5 }\n`, ...rebuilds.map((settings) => `  - rebuild: {${settings}}\n`)].join('')))
        .pipeline.stages.flatMap((stage) => (stage.type === 'rebuild' ? [stage.weights] : []));
    expect(weightsAfter('sparsegpt', '', '')).toEqual(['refit', 'refit']);
    expect(weightsAfter('sparsegpt', 'ratio: 0.1', '')).toEqual(['keep-dense', 'keep-updates']);
    expect(weightsAfter('wanda', '', 'weights: refit', '', 'weights: keep-dense', '')).toEqual(['keep-updates', 'refit', 'refit', 'keep-dense', 'keep-updates']);
  });

  test.each([
    ['ratio: 0.1, weights: refit', 'Remove `ratio`, or write `weights: keep-updates`.'],
    ['strategy: published, weights: refit', 'Write `strategy: guarded`, or `weights: keep-updates`.'],
  ])('is refused with {%s}', (settings, remedy) => {
    const message = `\`weights: refit\` cannot be combined with strategy \`published\`; expected \`keep-dense\` or \`keep-updates\`. ${remedy}`;
    expect(problemLines(pipelineText(`${calibration}${mask}  - rebuild: {${settings}}\n`))).toEqual([expect.stringContaining(message)]);
  });

  test('warns about settings that it does not read, and leaves them out', () => {
    const guarded = rebuildOf('strategy: guarded, ratio: 0.2');
    expect(guarded.warnings.map(asLine)).toEqual(['7:34 `ratio` has no effect with strategy `guarded`; only `published` reads it. Remove it, or write `strategy: published`.']);
    expect(guarded.pipeline.stages[2]).not.toHaveProperty('ratio');
    expect(rebuildOf('ratio: 0.2, rounds: 3, budget: 1').warnings.map(asLine)).toEqual([expect.stringContaining('`rounds` has no effect'), expect.stringContaining('`budget` has no effect')]);
  });
});

describe('scored calibration text', () => {
  const warnings = (task: string, sampling = 'sequential', file = 'text.txt') =>
    parse(
      pipelineText(`  - calibration: { dataset: { file: ${file} }, samples: 16, sequenceLength: 256, sampling: ${sampling} }\n${mask}  - evaluation: { perplexity: [{ ${task} }] }\n`),
    ).warnings.map(asLine);

  test('causes a warning with the number of tokens to skip', () => {
    const expected = ['7:32 the calibration text is scored, which makes the perplexity too good; expected text that calibration does not use. Add `skipTokens: 4096`, or score another file.'];
    expect(warnings('dataset: { file: text.txt }')).toEqual(expected);
    expect(warnings('dataset: { file: ./sub/../text.txt }, skipTokens: 4095')).toEqual(expected);
  });

  test('causes no warning if it is skipped or if the text is another one', () => {
    expect(warnings('dataset: { file: text.txt }, skipTokens: 4096')).toEqual([]);
    expect(warnings('dataset: { file: other.txt }')).toEqual([]);
    expect(warnings('dataset: { name: c4 }')).toEqual([]);
    expect(warnings(`dataset: { name: c4, revision: ${'a'.repeat(40)} }`)).toEqual([]);
    expect(warnings('dataset: { name: c4, revision: main }')).toEqual([expect.stringContaining('revision "main" can point to another text later')]);
  });

  test('cannot be skipped if windows are random', () => {
    expect(warnings('dataset: { file: text.txt }, skipTokens: 4096', 'random')).toEqual([expect.stringContaining('Score another file: random windows can come from anywhere')]);
  });
});
