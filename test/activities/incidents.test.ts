import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { IncidentPost, IncidentWatch, type Incident } from '../../activities/index.js';
import { needs, where } from '../helpers/needs.js';

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}

describe('incidents on a worker', () => {
  let told: string[] = [];
  let watch: IncidentWatch;
  const begin = (sources: { computePid?: () => number | undefined; askServer?: () => Promise<unknown> }): void => {
    told = [];
    watch = new IncidentWatch({ computePid: () => undefined, askServer: () => Promise.resolve(), onIncident: ({ what }) => told.push(what), ...sources });
  };
  afterEach(() => {
    watch.end();
    vi.restoreAllMocks();
  });

  it('reports an unreachable server once it answers again', async () => {
    let isUp = false;
    begin({ askServer: () => (isUp ? Promise.resolve() : Promise.reject(new Error('UNAVAILABLE'))) });
    await sleep(1_800);
    expect(told).toEqual([]);
    isUp = true;
    await until(() => told.length > 0);
    await sleep(1_200);
    expect(told).toEqual([expect.stringMatching(/^The Temporal server did not answer for \d+\.\d s$/)]);
  });

  it('reports a clock change once, with its direction', async () => {
    begin({});
    const real = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => real() - 3_600_000);
    await until(() => told.length > 0);
    await sleep(1_200);
    expect(told).toEqual([expect.stringMatching(/^The worker's clock jumped by -3(599|600)\.\d s$/)]);
  });

  it('reports a stopped compute process when it continues', where(needs.linux), async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    begin({ computePid: () => child.pid });
    child.kill('SIGSTOP');
    await sleep(1_200);
    child.kill('SIGCONT');
    await until(() => told.length > 0);
    expect(told).toEqual([expect.stringMatching(/^The compute process was stopped for about \d+\.\d s$/)]);
    child.kill('SIGKILL');
  });

  it('reports nothing if nothing happens', async () => {
    begin({ computePid: () => process.pid });
    await sleep(1_800);
    expect(told).toEqual([]);
  });
});

it('sends incidents in order, again after an outage, and not to runs that have ended', async () => {
  let isUp = false;
  const sent: string[] = [];
  const gone = new Error('not found');
  const post = new IncidentPost(
    (run, { what }) => {
      if (!isUp) return Promise.reject(new Error('UNAVAILABLE'));
      if (run === 'gone') return Promise.reject(gone);
      sent.push(`${run}: ${what}`);
      return Promise.resolve();
    },
    (error) => error === gone,
  );
  const incident = (what: string): Incident => ({ at: '2026-01-01T00:00:00.000Z', what });
  post.add('a', incident('1'));
  post.add('gone', incident('2'));
  post.add('a', incident('3'));
  await post.flush();
  expect(sent).toEqual([]);
  isUp = true;
  await post.flush();
  expect(sent).toEqual(['a: 1', 'a: 3']);
});
