import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse, problemLines } from './helpers.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'missing-files-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const text = `version: 1
name: test
model: { source: ./model }
stages:
  - calibration: { dataset: { file: text.txt } }
  - initialMask: { method: file, source: mask.safetensors }
  - evaluation:
      perplexity:
        - dataset: { name: wikitext2 }
        - dataset: { file: heldout.txt }
      zeroShot: [{ name: mine, file: mine.jsonl }, boolq]
`;
const options = () => ({ path: join(folder, 'test.yaml'), files: true });

it('names every missing file where the pipeline names it, but nothing on a hub', () => {
  expect(problemLines(text, options()).map((line) => line.replace(/;.*/, ''))).toEqual([
    `3:18 there is no folder ${join(folder, 'model')}`,
    `5:37 there is no ${join(folder, 'text.txt')}`,
    `6:42 there is no ${join(folder, 'mask.safetensors')}`,
    `10:28 there is no ${join(folder, 'heldout.txt')}`,
    `11:38 there is no ${join(folder, 'mine.jsonl')}`,
  ]);
});

it('accepts a model folder only with a config, and passes once everything exists', () => {
  mkdirSync(join(folder, 'model'));
  for (const name of ['text.txt', 'mask.safetensors', 'heldout.txt', 'mine.jsonl']) writeFileSync(join(folder, name), '');
  expect(problemLines(text, options())).toEqual([expect.stringMatching(/^3:18 .*model has no config\.json/)]);
  writeFileSync(join(folder, 'model', 'config.json'), '{}');
  expect(parse(text, options()).pipeline.name).toBe('test');
});

it('checks files only if asked to', () => {
  expect(parse(text, { ...options(), files: false }).pipeline.name).toBe('test');
});

it('blames the override that names a missing file', () => {
  const problems = problemLines(text, { ...options(), overrides: ['model.source=/nowhere'] });
  expect(problems[0]).toMatch(/^--set model\.source=\/nowhere: there is no folder \/nowhere/);
});
