import { setTimeout as sleep } from 'node:timers/promises';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ComputeHost, RemoteFault, type ComputeHostOptions } from '../../activities/compute/host.js';
import { ComputeCrashedError } from '../../activities/errors.js';
import type { RunContext } from '../../activities/types.js';
import { demoPipeline, temporaryState } from '../helpers/demo-run.js';

let host: ComputeHost;
let remove: () => Promise<void>;
let state: string;
const never = new AbortController().signal;
const quiet = (): void => undefined;

beforeEach(async () => {
  ({ state, remove } = await temporaryState());
  host = new ComputeHost(options());
});
afterEach(async () => {
  host.stop();
  await remove();
});

const options = (): ComputeHostOptions => ({ state, entry: resolve('dist/activities/compute/child.js'), onOutput: quiet });

async function pidOf(running: ComputeHost): Promise<number> {
  while (running.pid === undefined) await sleep(5);
  return running.pid;
}

const prepare = (backend: string): [task: 'prepareRun', input: unknown] => [
  'prepareRun',
  { pipeline: demoPipeline([`engine.backend=${backend}`]) },
];

describe('the compute process', () => {
  it('answers, keeps its process for the next task, and replaces it for another engine', async () => {
    const first = (await host.run(...prepare('auto'), never, quiet)) as RunContext;
    const pid = host.pid;
    await host.run(...prepare('auto'), never, quiet);
    expect(host.pid).toBe(pid);
    const other = (await host.run(...prepare('wasm'), never, quiet)) as RunContext;
    expect(other.engine.backend).toBe('wasm');
    expect(other.model).toEqual(first.model);
    expect(host.pid).not.toBe(pid);
  });

  it('fails one attempt when it is killed, and starts again for the next one', async () => {
    const running = host.run(...prepare('auto'), never, quiet);
    process.kill(await pidOf(host), 'SIGKILL');
    await expect(running).rejects.toThrow(ComputeCrashedError);
    await expect(running).rejects.toThrow(/signal SIGKILL/);
    expect(await host.run(...prepare('auto'), never, quiet)).toMatchObject({ model: { family: 'llama' } });
  });

  it('says why its process ended, from the line that names the error', async () => {
    const entry = join(state, 'crash.mjs');
    const lines = ['starting', 'F0000 Check failed: no memory', ...Array.from({ length: 20 }, (_, i) => `    @ 0x${i} (unknown)`)];
    writeFileSync(entry, `for (const line of ${JSON.stringify(lines)}) console.error(line);\nprocess.on('message', ({ kind }) => { if (kind === 'task') process.abort(); });\n`);
    const crashing = new ComputeHost({ ...options(), entry });
    await expect(crashing.run(...prepare('auto'), never, quiet)).rejects.toThrow(/signal SIGABRT.*Check failed: no memory \|/);
  });

  it('answers with the error if its store cannot be opened, and opens it for the next task', async () => {
    const blocked = join(state, 'blocked');
    writeFileSync(blocked, 'a file where the state folder should be');
    const barred = new ComputeHost({ ...options(), state: blocked });
    await expect(barred.run(...prepare('auto'), never, quiet)).rejects.toThrow(RemoteFault);
    const { pid } = barred;
    rmSync(blocked);
    expect(await barred.run(...prepare('auto'), never, quiet)).toMatchObject({ model: { family: 'llama' } });
    expect(barred.pid).toBe(pid);
    barred.stop();
  });

  it('exits cleanly when asked to, and a new one runs the next task', async () => {
    const ends: string[] = [];
    await host.end();
    const asked = new ComputeHost({ ...options(), onIdleEnd: (how) => ends.push(how) });
    await asked.run(...prepare('auto'), never, quiet);
    const pid = await pidOf(asked);
    await asked.end();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect([asked.pid, ends]).toEqual([undefined, []]);
    expect(await asked.run(...prepare('auto'), never, quiet)).toMatchObject({ model: { family: 'llama' } });
    asked.stop();
  });

  it('exits at once when the task is cancelled', async () => {
    const cancel = new AbortController();
    const running = host.run(...prepare('auto'), cancel.signal, quiet);
    const pid = await pidOf(host);
    cancel.abort(new Error('cancelled by a test'));
    await expect(running).rejects.toThrow('cancelled by a test');
    await expect
      .poll(() => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      })
      .toBe(false);
  });

  it('returns the error of a stage with its type and message', async () => {
    const pipeline = demoPipeline(['model.source=/no/such/folder']);
    const failed = host.run('prepareRun', { pipeline }, never, quiet);
    await expect(failed).rejects.toThrow(RemoteFault);
    await expect(failed).rejects.toMatchObject({
      fault: { name: 'InputFileError', retryable: false, message: expect.stringContaining('/no/such/folder: there is no such file or folder') as string },
    });
  });
});
