import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectClient } from '../../../app/cli/client.js';
import { localConnection } from '../../../app/cli/connection.js';
import { leaveLocalServer } from '../../../app/cli/local/local-server.js';
import { isAlive, liveProcesses, type ProcessIdentity } from '../../../app/cli/local/process-records.js';
import { runningServer, serverAddress } from '../../../app/cli/local/server-record.js';
import { pauseSignal, resumeSignal } from '../../../workflows/protocol.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { runCommand } from './run-command.js';
import { runProgram, startProgram, startWorker } from './run-program.js';

const demo = path.join(demoFolder, '..', 'demo.yaml');
requireTemporalCli();

describe('run', () => {
  let state = '';
  beforeEach(() => {
    state = mkdtempSync(path.join(tmpdir(), 'run-'));
  });
  afterEach(async () => {
    await leaveLocalServer(state);
    rmSync(state, { recursive: true });
  });

  async function until<T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (;;) {
      const found = await find();
      if (found !== undefined && found !== false) return found;
      await sleep(20);
    }
  }
  const worker = (): Promise<ProcessIdentity> => until(async () => (await liveProcesses(path.join(state, 'workers')))[0]);
  const start = (...words: string[]) => startProgram('temporal-pipeline', ['run', demo, '--state', state, ...words]);
  /** Enough work that a slow interruption still arrives in the middle of it. */
  const much = ['--set', 'calibration.samples=200'];

  it('stops cleanly when interrupted and can be resumed, and a finished run is found again', async () => {
    const first = start('--json', ...much);
    const its = await worker();
    await until(() => first.said().includes('calibration: done') || undefined);
    first.process.kill('SIGINT');
    const interrupted = await first.ended;
    expect(interrupted.code, interrupted.stderr).toBe(130);
    expect(interrupted.stderr).toContain(`npx temporal-pipeline run ${demo} --state ${state} --json ${much.join(' ')}`);
    const { workflowId, runId, status } = JSON.parse(interrupted.stdout) as Record<string, string>;
    expect(status).toBe('interrupted');
    expect(isAlive(its)).toBe(false);
    expect(await runningServer(state)).toBeUndefined();

    const second = await start('--json', ...much).ended;
    expect(second.code, second.stderr).toBe(0);
    const result = JSON.parse(second.stdout) as Record<string, unknown> & { reused: number };
    expect(result).toMatchObject({ workflowId, runId, status: 'completed', name: 'demo' });
    expect(existsSync(result['mask'] as string) && existsSync(result['report'] as string)).toBe(true);

    const third = await start(...much).ended;
    expect(third.code, third.stderr).toBe(0);
    expect(third.stdout).toMatch(/perplexity +dense +initial +rebuilt +gap closed/);
    expect(third.stderr).toContain('rebuild: found, nothing to do');
    expect(third.stderr).not.toContain('\x1b');
    const logged = readFileSync(path.join(state, 'logs', 'run.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { message: string });
    expect(logged.some(({ message }) => message === 'ended')).toBe(true);
  });

  it('takes its worker along when it is killed, and the next run uses and stops the server that is left over', async () => {
    const first = start(...much);
    const its = await worker();
    const server = await until(() => runningServer(state));
    await until(() => first.said().includes('started.') || undefined);
    first.process.kill('SIGKILL');
    await until(() => !isAlive(its) || undefined);
    expect(isAlive(server)).toBe(true);

    const second = start(...much);
    await until(() => second.said().includes('was already running') || undefined);
    const taken = await worker();
    // A worker that dies is replaced, and the run succeeds.
    process.kill(taken.pid, 'SIGKILL');
    const ended = await second.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain('was killed by SIGKILL; starting another one');
    expect(isAlive(server)).toBe(false);
    expect(readdirSync(path.join(state, 'workers')).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('ends with exit code 1 and the error of the activity if the run fails', async () => {
    const hollow = path.join(state, 'hollow');
    mkdirSync(hollow);
    writeFileSync(path.join(hollow, 'config.json'), '{}');
    const { code, stdout, stderr } = await start('--set', `model.source=${hollow}`, '--json').ended;
    expect(code).toBe(1);
    const { status, error } = JSON.parse(stdout) as { status: string; error: { type: string; message: string } };
    expect(status).toBe('failed');
    expect(error.message).toContain(hollow);
    expect(stderr).toContain(error.message);
    expect(stderr).toContain(path.join(state, 'logs', 'worker.jsonl'));
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('is refused if another state folder runs the pipeline on the same server, while start, list and cancel work beside a worker', async () => {
    const serving = await startWorker(state);
    try {
      const server = await until(() => runningServer(state));
      const started = await runProgram('temporal', ['workflow', 'start', '--pipeline', demo, '--state', state, '-o', 'json', ...much]);
      expect(started.code, started.stderr).toBe(0);
      const { workflowId } = JSON.parse(started.stdout) as { workflowId: string };
      // The run must not end before it is cancelled.
      const client = await connectClient(localConnection(serverAddress(server)));
      const handle = client.workflow.getHandle(workflowId);
      await handle.signal(pauseSignal);

      const other = await runCommand(['run', demo, '--state', `${state}/other`, ...much], { env: { TEMPORAL_ADDRESS: `127.0.0.1:${server.port}` } });
      expect(other.code).toBe(2);
      expect(other.stderr).toMatch(/already running on task queue llm-barber-/);

      await handle.signal(resumeSignal);
      await client.connection.close();
      const cancelled = await runCommand(['cancel', workflowId, '--state', state, '--json']);
      expect(JSON.parse(cancelled.stdout)).toMatchObject({ workflowId, status: 'cancelled' });
      const listed = async (): Promise<object[]> => (JSON.parse((await runCommand(['list', '--state', state, '--json'])).stdout) as { pipelines: object[] }).pipelines;
      await expect.poll(listed, { timeout: 120_000 }).toMatchObject([{ workflowId, status: 'cancelled', name: 'demo' }]);
    } finally {
      serving.process.kill('SIGTERM');
    }
    expect((await serving.ended).code).toBe(0);
    expect(await runningServer(state)).toBeUndefined();
  });
});
