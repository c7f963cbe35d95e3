/** Work that the worker does itself also sends heartbeats: writing a report to a slow disk must not look like a dead worker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { withChanges } from '../../workflows/changes.js';
import { createActivities, createSharedActivities, Seat, type ComputeHost } from '../../activities/index.js';
import { ArtifactStore } from '../../files/artifacts/index.js';

/** Every write waits for this disk. */
const disk = vi.hoisted(() => ({ free: (): void => undefined, waiting: Promise.resolve() }));
vi.mock('../../files/artifacts/durable-file.js', async (original) => ({
  ...(await original<object>()),
  writeFileDurably: async () => {
    await disk.waiting;
    return { bytes: 0, sha256: '' };
  },
}));

let state: string;
beforeAll(() => void (state = mkdtempSync(join(tmpdir(), 'heartbeat-'))));
afterAll(() => rmSync(state, { recursive: true }));
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  disk.waiting = new Promise((resolve) => (disk.free = resolve));
});
afterEach(() => void vi.useRealTimers());

async function beatsOf(activity: (input: never) => Promise<unknown>, input: unknown): Promise<number> {
  const environment = new MockActivityEnvironment();
  let beats = 0;
  environment.on('heartbeat', () => beats++);
  const running = environment.run(activity as (input: unknown) => Promise<unknown>, input);
  await vi.advanceTimersByTimeAsync(9_000);
  disk.free();
  await running;
  const counted = beats;
  await vi.advanceTimersByTimeAsync(9_000);
  expect(beats).toBe(counted);
  return beats;
}

it('sends heartbeats while a report is written', async () => {
  const activities = createActivities({ state, host: {} as ComputeHost, seat: new Seat(), store: new ArtifactStore(join(state, 'artifacts')), renderReport: () => 'report', renderPage: () => Promise.resolve('page'), renderCard: () => 'card' });
  expect(await beatsOf((input) => activities.writeReport(input), { workflowId: 'run', pipeline: {}, result: {}, context: {} })).toBeGreaterThan(5);
});

it('sends heartbeats while the report of a sweep is written, and while a slow store is asked for its identity', async () => {
  const store = { backend: { name: 'slow', identity: () => disk.waiting.then(() => 'identity') } } as unknown as ArtifactStore;
  const activities = createSharedActivities({ state, seat: new Seat(), store, taskQueue: 'own', worker: '1@here', renderSweep: () => Promise.resolve({ 'report.md': 'report' }), renderSearch: () => Promise.resolve({ 'report.md': 'report' }), withChanges });
  expect(await beatsOf((input) => activities.writeSweep(input), { sweepId: 'sweep', table: {} })).toBeGreaterThan(5);
  disk.waiting = new Promise((resolve) => (disk.free = resolve));
  expect(await beatsOf((input) => activities.takeSeat(input), {})).toBeGreaterThan(5);
});
