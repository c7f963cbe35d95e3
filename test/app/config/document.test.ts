import { describe, expect, test } from 'vitest';
import { failure, parse, pipelineText, problemLines } from './helpers.js';

describe('invalid YAML', () => {
  test.each([
    ['', 'an empty file'],
    ['\n\n', 'blank lines'],
    ['# only a comment\n', 'a comment'],
  ])('%j: %s', (text) => {
    expect(problemLines(text)).toEqual(['1:1 the file is empty; expected a pipeline. Copy one from pipelines/ to start with.']);
  });

  test('names each tab with its place', () => {
    expect(problemLines('version: 1\nname: x\nmodel:\n\tsource: ./m\nstages:\n  - rebuild:\n\t\t\tratio: 0.1\n')).toEqual([
      '4:1 a tab in the indentation; expected spaces. Replace the tab with spaces.',
      '7:1 a tab in the indentation; expected spaces. Replace the tab with spaces.',
    ]);
  });

  test('a second document', () => {
    expect(problemLines('version: 1\n---\nversion: 1\n')).toEqual(['2:1 a second YAML document starts here; expected one pipeline per file. Put each pipeline in its own file.']);
  });

  test('syntax errors', () => {
    expect(problemLines('version: 1\nname: a: b\n')[0]).toMatch(/^2:7 YAML syntax: .* Put each key on its own line, and put text that contains `: ` in quotes\.$/);
    expect(problemLines('version: 1\nname: @me\n')[0]).toMatch(/^2:7 YAML syntax: .* Put the value in quotes\.$/);
    expect(problemLines('version: 1\nstages: [\n')[0]).toMatch(/^3:1 YAML syntax: /);
  });

  test.each([
    ['after a colon', 'version: 1\nname:\u00a0x\nmodel: { source: ./m }\n', '2:6 a no-break space (U+00A0)'],
    ['after the only colon', 'name:\u00a0x', '1:6 a no-break space (U+00A0)'],
    ['in the indentation', 'version: 1\nmodel:\n \u3000source: ./m\n', '3:2 an unusual space (U+3000)'],
    ['after a dash', 'stages:\n  -\u202frebuild: {}\n', '2:4 a no-break space (U+202F)'],
  ])('refuses a space that YAML reads as a letter, %s', (_, text, place) => {
    expect(problemLines(text)).toEqual([`${place}; expected an ordinary space. Type the space again.`]);
  });

  test('keeps such a space inside a value', () => {
    expect(parse(pipelineText().replace('./model', '"./my\u00a0model"')).pipeline.model.source).toMatch(/my\u00a0model$/);
  });

  test('refuses a number where text is expected', () => {
    expect(problemLines(pipelineText().replace('name: test', 'name: 2026'))).toEqual([
      expect.stringMatching(/^2:7 `name` is 2026; expected .*\. Put the value in quotes: without them YAML reads a number\.$/),
    ]);
    const revision = '1234567890123456789012345678901234567890';
    expect(problemLines(pipelineText().replace('{ source: ./model }', `{ source: org/name, revision: ${revision} }`))).toEqual([
      expect.stringMatching(/^3:38 `revision` is a number of more than 15 digits; expected .*\. Put the value in quotes/),
    ]);
  });

  test('refuses a scalar or a list instead of a mapping', () => {
    expect(problemLines('just text')).toEqual([expect.stringMatching(/^1:1 the pipeline is "just text"; expected a mapping with `version`, /)]);
    expect(problemLines('- a\n- b')).toEqual([expect.stringMatching(/^1:1 the pipeline is a list of 2; /)]);
  });

  test('tags', () => {
    expect(problemLines(pipelineText().replace('{ source: ./model }', '!python/object { source: ./model }'))).toEqual([
      '3:8 Unresolved tag: !python/object; expected plain YAML. Leave the tag out.',
    ]);
  });
});

describe('keys', () => {
  test('are all reported when duplicated, together with all other problems', () => {
    expect(problemLines(pipelineText().replace('name: test', 'name: test\nname: "a b"'))).toEqual([
      '3:1 duplicate key `name` (first on line 2); expected each key once. Remove one of the two.',
    ]);
    expect(problemLines('version: 1\nversion: 1\nnaem: x\nmodel: { source: ./m }\nstages: [{ rebuild: {} }]\n')).toHaveLength(4);
  });

  test('are refused if they are not words', () => {
    expect(problemLines(pipelineText(undefined, '? [a, b]\n: 1\n'))).toEqual(['4:3 a key is missing or not a word; expected `key: value`. Write the key in front of the colon.']);
  });

  test('are unknown if they are numbers or __proto__, like any other', () => {
    expect(problemLines(pipelineText(undefined, '7: x\n__proto__: { backend: wasm }\nconstructor: 1\n')).map((line) => line.slice(0, 30))).toEqual([
      '4:1 unknown key `7` in the pip',
      '5:1 unknown key `__proto__` in',
      '6:1 unknown key `constructor` ',
    ]);
  });
});

describe('aliases', () => {
  test('are refused when they expand too far, before anything is built', () => {
    const levels = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi', 'ij', 'jk'].map((pair) => [...pair] as [string, string])) {
      levels.push(`${to}: &${to} [${Array.from({ length: 10 }, () => `*${from}`).join(', ')}]`);
    }
    expect(problemLines(levels.join('\n'))).toEqual([expect.stringMatching(/^4:\d+ an alias that expands to more than 10000 values; /)]);
  });

  test('are refused when merge keys expand too far', () => {
    const levels = ['a: &a { k: 1 }'];
    for (let level = 1; level <= 25; level++) levels.push(`l${level}: &l${level} { <<: [${level === 1 ? '*a, *a' : `*l${level - 1}, *l${level - 1}`}] }`);
    expect(problemLines(levels.join('\n'))).toEqual([expect.stringContaining('more than 10000 values')]);
  });

  test('are refused inside their own anchor', () => {
    expect(problemLines('a: &a [*a]\n')).toEqual([expect.stringMatching(/^1:8 nested deeper than 32 levels; .* an alias inside its own anchor\.$/)]);
    expect(problemLines('a: &a { <<: *a }\n')).toEqual([expect.stringContaining('nested deeper than 32 levels')]);
  });

  test('without an anchor are one problem, not two', () => {
    expect(problemLines(pipelineText().replace('name: test', 'name: *test'))).toEqual([
      '2:7 alias `*test` without an anchor before it; expected `&test` further up. Quote the value if it is meant as text.',
    ]);
  });

  test('with a wrong value are reported where the value is written', () => {
    const text = pipelineText('  - initialMask: { method: magnitude, sparsity: 0.5 }\n  - evaluation:\n      perplexity:\n        - &t { dataset: { name: c4 }, maxWindows: 0 }\n        - *t\n');
    expect(problemLines(text)).toEqual(['8:51 `maxWindows` is 0; expected a whole number of at least 1 and at most 1000000000000. Write for example `maxWindows: 64`.']);
  });

  test('are refused as merge keys of something else', () => {
    expect(problemLines(pipelineText('  - calibration: { dataset: { name: c4, <<: 7 } }\n'))[1]).toMatch(/^5:45 the value of the merge key \(`<<`\) is not a mapping; /);
  });
});

describe('very large files', () => {
  test.each([
    ['brackets', '['.repeat(400_000)],
    ['braces', '{a: '.repeat(200_000)],
    ['list items on one line', '- '.repeat(200_000)],
    ['question marks', '? '.repeat(200_000)],
    ['values', `a: [${'x,'.repeat(300_000)}]`],
    ['keys', Array.from({ length: 60_000 }, (_, index) => `key${index}: 1`).join('\n')],
    ['aliases', `a: &a 1\nb: [${'*a,'.repeat(200_000)}]`],
    ['one long word', `name: ${'x'.repeat(900_000)}`],
  ])('are refused: %s', (_, text) => {
    expect(failure(text).problems.length).toBeGreaterThan(0);
  });
});
