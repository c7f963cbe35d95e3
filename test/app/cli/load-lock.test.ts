import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CommandLineError } from '../../../app/cli/errors.js';
import { loadLockFor } from '../../../app/cli/load-lock.js';
import { workflowIdOf } from '../../../app/cli/start-pipeline.js';
import { PipelineFileError, type Lock } from '../../../app/config/index.js';
import { demoPipeline } from '../../helpers/demo-run.js';

const folder = mkdtempSync(path.join(tmpdir(), 'locks-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('looks for a lock beside the pipeline unless one is named, and needs none unless asked for', () => {
  const pipeline = path.join(folder, 'a.yaml');
  expect(loadLockFor(pipeline, {})).toBeUndefined();
  expect(() => loadLockFor(pipeline, { locked: true })).toThrow(`${path.join(folder, 'a.lock.yaml')}: there is no lock; expected the pipeline.lock.yaml that a run wrote next to its report. Copy one there, or name it: --locked LOCKFILE.`);
  expect(() => loadLockFor(pipeline, { locked: path.join(folder, 'b.yaml') })).toThrow(CommandLineError);
  writeFileSync(path.join(folder, 'a.lock.yaml'), 'version: 1\n');
  expect(() => loadLockFor(pipeline, { locked: true })).toThrow(PipelineFileError);
});

it('gives a run with a lock another id than a run without it, or with another lock', () => {
  const of = { pipeline: demoPipeline(), digest: 'd'.repeat(64) };
  const lock = { package: '1' } as Lock;
  const ids = [workflowIdOf(of), workflowIdOf({ ...of, lock }), workflowIdOf({ ...of, lock: { ...lock, package: '2' } })];
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id.startsWith(`small-${'d'.repeat(16)}`)).toBe(true);
});
