import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactLostError, forgetRuns, keptKeys, openStore, rememberRun, type KeptRun, type ArtifactBackend } from '../../../files/artifacts/index.js';

let folder: string;
let backend: ArtifactBackend;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kept-'));
  [backend] = (await openStore(folder, join(folder, 'store'))).backends;
});
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

const key = 'ab'.repeat(32);
const remember = (workflowId: string): Promise<void> => rememberRun(backend, { workflowId, outputs: { mask: key } } as unknown as KeptRun);
const records = (): string[] => readdirSync(join(folder, 'store'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

it('returns what finished runs keep, and an empty set without runs', async () => {
  expect(await keptKeys(backend)).toEqual(new Set());
  await remember('one');
  expect(await keptKeys(backend)).toEqual(new Set([key]));
});

it('stops garbage collection on an unreadable record, and does not forget it', async () => {
  await remember('one');
  await remember('two');
  const damaged = join(folder, 'store', records().find((name) => name.includes('one'))!);
  writeFileSync(damaged, '{');
  await expect(keptKeys(backend)).rejects.toThrow(ArtifactLostError);
  await forgetRuns(backend);
  // The output of the other run is gone, so that run is forgotten.
  expect(records()).toEqual([expect.stringContaining('one')]);
});
