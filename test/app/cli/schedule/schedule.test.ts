/** Schedules, used as a user would, against a real server. Intervals are seconds here instead of days. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoFolder } from '../../../helpers/demo-run.js';
import { requireTemporalCli } from '../../../helpers/set-up.js';
import { ownNamespace, shareAsLocal, type OwnNamespace } from '../../../helpers/shared-server.js';
import { runCommand } from '../run-command.js';
import { startWorker } from '../run-program.js';

requireTemporalCli();

interface Described {
  paused: boolean;
  note: string;
  overlap: string;
  next: string[];
  running: string[];
  recent: { scheduledAt: string; workflowId: string }[];
  counts: { started: number; skipped: number; missed: number };
}

describe('schedules', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'schedule-'));
  const state = path.join(folder, 'state');
  // Little work, because only the times are tested here.
  const file = path.join(folder, 'small.yaml');
  const evaluation = `{ states: [dense], perplexity: [{ dataset: { file: ${demoFolder}/heldout.txt }, sequenceLength: 32, maxWindows: 1 }] }`;
  writeFileSync(file, `version: 1\nname: small\nmodel: { source: ${demoFolder}/model }\nstages:\n  - evaluation: ${evaluation}\n`);
  let own: OwnNamespace;
  let client: Client;

  beforeAll(async () => {
    own = await ownNamespace('schedule');
    ({ client } = own);
  });
  afterAll(async () => {
    await client.connection.close();
    rmSync(folder, { recursive: true });
  });

  async function until<T>(find: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await find();
      if (found !== undefined) return found;
      await sleep(100);
    }
  }
  const call = (...words: string[]) => runCommand(['schedule', ...words, '--state', state], { env: own.env });
  async function json<T = unknown>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await call(...words, '--json');
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  }
  /** The server lists schedules from an index that it updates a moment after each change. */
  const listed = (isUpdated: (schedules: { paused: boolean }[]) => boolean) =>
    until(async () => (isUpdated((await json<{ schedules: { paused: boolean }[] }>('list')).schedules) ? true : undefined));
  const described = (id: string): Promise<Described> => json<Described>('describe', id);
  const infoOf = async (id: string) => (await client.schedule.getHandle(id).describe()).info;
  /** Completed runs of a schedule: when each was due, and when it began. */
  async function completed(id: string): Promise<{ due: number; began: number }[]> {
    const runs: { due: number; began: number }[] = [];
    const query = `ExecutionStatus = 'Completed' AND TemporalScheduledById = '${id}'`;
    for await (const { startTime, searchAttributes } of client.workflow.list({ query })) {
      const due = searchAttributes['TemporalScheduledStartTime']?.[0] as Date;
      runs.push({ due: due.getTime(), began: startTime.getTime() });
    }
    return runs.sort((a, b) => a.due - b.due);
  }

  it('keep one run with skip and a second one with buffer-one while no worker is there', async () => {
    const policies = ['skip', 'buffer-one'] as const;
    await Promise.all(policies.map((overlap) => json('create', file, '--id', overlap, '--every', '1s', '--overlap', overlap)));
    // No worker serves the queue: the first run waits while the next ones become due.
    await until(async () => ((await Promise.all(policies.map(infoOf))).every((info) => info.numActionsSkippedOverlap >= 2) ? true : undefined));
    for (const { counts, running } of await Promise.all(policies.map(described))) {
      expect(counts.skipped).toBeGreaterThanOrEqual(2);
      expect({ started: counts.started, running: running.length }).toEqual({ started: 1, running: 1 });
    }

    const serving = Date.now();
    const worker = await startWorker(state, { env: own.env });
    const [skip, buffered] = await until(async () => {
      const all = await Promise.all(policies.map(completed));
      return all.every((runs) => runs.length >= 2) ? all : undefined;
    });
    await Promise.all(policies.map((id) => json('delete', id)));
    worker.process.kill('SIGTERM');
    await worker.ended;
    // Due while there was no worker, and run once there was one.
    const madeUpFor = (runs: { due: number; began: number }[]) => runs.filter(({ due, began }) => due < serving && began > serving).length;
    expect([madeUpFor(skip), madeUpFor(buffered)]).toEqual([0, 1]);
    expect([skip, buffered].map((runs) => runs.filter(({ began }) => began < serving).length)).toEqual([1, 1]);
  });

  it('are created, listed, described, paused, triggered, backfilled, resumed and deleted', async () => {
    const created = await call('create', file, '--id', 'nightly', '--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin', '--jitter', '1s', '--catch-up', '1h', '--pause-on-failure', '--paused');
    expect(created).toMatchObject({ code: 0, stdout: expect.stringContaining('small, cron 0 3 * * *, Europe/Berlin (paused)') as string });
    expect(created.stderr).toContain('No worker serves task queue');
    // The message differs for a local server, which runs only while it is in use.
    await shareAsLocal(state);
    const local = await runCommand(['schedule', 'create', file, '--id', 'local', '--cron', '0 3 * * *', '--paused', '--state', state]);
    expect(local.stderr).toContain(`worker --state ${state}`);
    await listed((schedules) => schedules.length > 0);
    expect(await json('list')).toMatchObject({ schedules: [{ scheduleId: 'nightly', pipeline: 'small', paused: true }] });
    const { next } = await described('nightly');
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' });
    expect(next.map((time) => clock.format(new Date(time)))).toEqual(next.map(() => '03:00'));

    const { workflowId, status } = await json<{ workflowId: string; status: string }>('trigger', 'nightly');
    expect({ status, workflowId }).toEqual({ status: 'started', workflowId: expect.stringMatching(/^nightly-\d{4}-/) as string });
    // Three nights.
    await json('backfill', 'nightly', '--from', '2026-01-10', '--to', '2026-01-13', '--overlap', 'allow-all');
    await until(async () => ((await infoOf('nightly')).numActionsTaken >= 4 ? true : undefined));
    const after = await described('nightly');
    // Temporal does not track runs that may overlap.
    expect(after.running).toEqual([workflowId]);
    expect(after.recent.map(({ scheduledAt }) => scheduledAt.slice(0, 13)).filter((at) => at.startsWith('2026-01'))).toEqual(['2026-01-10T02', '2026-01-11T02', '2026-01-12T02']);
    expect(await json('trigger', 'nightly')).toMatchObject({ status: 'skipped' });
    expect(await json('trigger', 'nightly', '--overlap', 'buffer-one')).toMatchObject({ status: 'waiting' });

    await json('resume', 'nightly', '--note', 'the machine is back');
    expect(await described('nightly')).toMatchObject({ paused: false, note: 'the machine is back', overlap: 'skip' });
    await json('pause', 'nightly');
    expect((await described('nightly')).paused).toBe(true);
    await listed(([{ paused }]) => paused);
    expect((await call('list')).stdout).toMatch(/nightly +paused +small +cron 0 3 \* \* \*, Europe\/Berlin +none while paused/);
    await json('delete', 'nightly');
    await listed((schedules) => schedules.length === 0);
    for (const ended of await Promise.all(['describe', 'trigger', 'delete'].map((word) => call(word, 'nightly')))) {
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('no schedule nightly') as string });
    }
  });

  it('are refused for invalid times or names, with exit code 2 and the error', async () => {
    const cases: [string[], RegExp][] = [
      [['--cron', '99 * * * *'], /99 \* \* \* \*.*[Mm]inute/],
      [['--cron', '0 3 * * *', '--time-zone', 'Mars/Olympus'], /Mars\/Olympus/],
      [['--cron', '0 3 30 2 *'], /never occurs/],
      [['--every', '1h', '--overlap', 'stack'], /buffer-one/],
      [['--every', '1h', '--id', 'a b'], /--id a b/],
    ];
    const all = await Promise.all(cases.map(([words], index) => call('create', file, '--id', `wrong${index}`, ...words)));
    for (const [index, { code, stdout, stderr }] of all.entries()) {
      expect(stderr).toMatch(cases[index][1]);
      expect(stderr).not.toMatch(/^\s+at |should not happen/m);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
    expect(await json('list')).toEqual({ schedules: [] });
  });
});
