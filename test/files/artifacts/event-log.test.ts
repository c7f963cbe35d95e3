import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventLog } from '../../../files/artifacts/event-log.js';
import { ArtifactStore } from '../../../files/artifacts/index.js';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'events-')); });
afterEach(() => rm(folder, { recursive: true }));

it('keeps the newest events in two files of bounded length', async () => {
  const log = new EventLog(join(folder, 'a', 'log.jsonl'), 200);
  for (let event = 0; event < 100; event++) await log.add({ event });
  expect((await readdir(join(folder, 'a'))).sort()).toEqual(['log.jsonl', 'log.jsonl.old']);
  const texts = await Promise.all(['log.jsonl.old', 'log.jsonl'].map((name) => readFile(join(folder, 'a', name), 'utf8')));
  for (const text of texts) expect(text.length).toBeLessThan(250);
  const events = texts.join('').trim().split('\n').map((line) => (JSON.parse(line) as { event: number }).event);
  expect(events).toEqual(Array.from({ length: events.length }, (_, i) => 100 - events.length + i));
});

it('does not fail a lookup if an event cannot be written', async () => {
  const store = new ArtifactStore(folder);
  // As on a full disk: files can be read, but the log cannot be written.
  await mkdir(join(folder, 'log.jsonl'));
  const make = async (): Promise<boolean> => (await store.findOrMake('mask', 'some', () => Promise.resolve(null))).reused;
  expect(await make()).toBe(false);
  expect(await make()).toBe(true);
});
