/** Malicious pipeline files: no content can run code, change an object or fill the memory. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadPipeline, parsePipeline, readText } from '../../../app/config/index.js';
import { PipelineFileError } from '../../../app/config/errors.js';
import { needs, where } from '../../helpers/needs.js';
import { problemLines } from './helpers.js';

const folder = mkdtempSync(path.join(tmpdir(), 'hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a hostile pipeline file', () => {
  it.each([
    ['!!js/function "function () { globalThis.harmed = true; }"'],
    ['!!js/regexp /a/'],
    ['!!python/object/apply:os.system ["touch harmed"]'],
    ['!ruby/object:Gem::Installer {}'],
    ['!!binary aGFybQ=='],
    ['!!set { a, b }'],
    ['!!timestamp 2026-11-24'],
    ['!include /etc/passwd'],
  ])('is refused with the tag %s', (value) => {
    const lines = problemLines(`version: 1\nname: ${value}\nmodel: { source: ./m }\nstages: [{ rebuild: {} }]\n`);
    expect(lines[0]).toMatch(/^2:\d+ .*; expected plain YAML\. Leave the tag out\./);
    expect(globalThis).not.toHaveProperty('harmed');
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString'])('changes no object through a key called %s, in the file or with --set', (key) => {
    const text = (extra: string) => `version: 1\nname: x\nmodel: { source: ./m }\nstages: [{ rebuild: { ${extra} } }]\n`;
    const attempt = (extra: string, overrides: string[] = []) => () => parsePipeline({ text: text(extra), path: path.join(folder, 'p.yaml'), overrides });
    expect(attempt(`${key}: { harmed: true }`)).toThrow(PipelineFileError);
    expect(attempt(`<<: { ${key}: { harmed: true } }`)).toThrow(PipelineFileError);
    expect(attempt('ratio: 0.1', [`${key}.harmed=true`])).toThrow(PipelineFileError);
    expect(attempt('ratio: 0.1', [`model.${key}.harmed=true`])).toThrow(PipelineFileError);
    expect(attempt('ratio: 0.1', [`stages.${key}.harmed=true`])).toThrow(PipelineFileError);
    expect({}).not.toHaveProperty('harmed');
    expect([]).not.toHaveProperty('harmed');
    expect(() => undefined).not.toHaveProperty('harmed');
  });

  it('gets an error for mappings in a list of unique words', () => {
    const lines = problemLines('version: 1\nname: x\nmodel: { source: ./m }\nstages: [{ evaluation: { states: [{}, {}], perplexity: [{ dataset: { file: t.txt } }] } }]\n');
    expect(lines.map((line) => line.split(';')[0])).toEqual(['4:35 item 1 of `states` is a mapping', '4:39 item 2 of `states` is a mapping']);
  });

  it('is read up to 1 MB, even if its length is unknown', () => {
    const large = path.join(folder, 'large.yaml');
    writeFileSync(large, '#'.repeat(1_000_001));
    expect(() => loadPipeline(large)).toThrow(/1000001 bytes; expected a pipeline file of at most 1000000/);
    if (existsSync('/dev/zero')) expect(() => readText('/dev/zero')).toThrow(/expected a pipeline file of at most 1000000/);
  });

  it('may come through a pipe', where(needs.linux), () => {
    const pipe = path.join(folder, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    execFileSync('sh', ['-c', `printf 'version: 2\\n' > ${pipe} &`], { stdio: 'ignore' });
    expect(() => loadPipeline(pipe)).toThrow(/pipe\.yaml/);
  });
});
