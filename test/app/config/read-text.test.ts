import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadPipeline, PipelineFileError } from '../../../app/config/index.js';
import { pipelineText } from './helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns the message of loading a file with these bytes, without the folder. */
function messageOf(bytes: Buffer | string): string {
  const path = join(folder, 'file.yaml');
  writeFileSync(path, bytes);
  return messageOfPath(path);
}

function messageOfPath(path: string): string {
  try {
    loadPipeline(path);
  } catch (error) {
    if (error instanceof PipelineFileError) return error.message.replaceAll(`${folder}/`, '');
    throw error;
  }
  return 'loaded';
}

test('reads a file, and resolves paths from its folder', () => {
  writeFileSync(join(folder, 'good.yaml'), pipelineText());
  expect(loadPipeline(join(folder, 'good.yaml'), ['rebuild.ratio=0.2']).pipeline).toMatchObject({
    model: { source: join(folder, 'model') },
    stages: [{}, {}, { ratio: 0.2 }, {}],
  });
});

test('refuses a missing file and a folder', () => {
  expect(messageOfPath(join(folder, 'none.yaml'))).toBe('none.yaml: no such file; expected a pipeline file. Check the path.');
  expect(messageOfPath(folder)).toBe(`${folder}: this is a folder; expected a pipeline file. Check the path.`);
});

test('reports line and column of the first byte that is not UTF-8', () => {
  expect(messageOf(Buffer.from('version: 1\nname: caf\u00e9\n', 'latin1'))).toBe('file.yaml:2:10: a byte that is not UTF-8 text; expected UTF-8. Save the file in that encoding.');
  expect(messageOf(Buffer.from('# \uFFFD ok\n# \u00e9 ', 'utf8').subarray(0, -2))).toMatch(/^file\.yaml:2:3: a byte that is not UTF-8/);
  expect(messageOf(Buffer.from('\uFEFFversion: 1\n', 'utf16le'))).toMatch(/^file\.yaml:1:1: a byte that is not UTF-8/);
});

test('refuses a file over 1 MB before reading it', () => {
  expect(messageOf(Buffer.alloc(1_000_001, 'a'))).toBe('file.yaml:1:1: 1000001 bytes; expected a pipeline file of at most 1000000. Check that this is the right file.');
});
