import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leaveLocalServer } from '../../cli/local/local-server.js';
import { isAlive, liveProcesses, type ProcessIdentity } from '../../cli/local/process-records.js';
import { runningServer } from '../../cli/local/server-record.js';
import { findTemporalCli } from '../../cli/temporal-cli.js';
import { demoFolder } from '../helpers/demo-run.js';
import { isBuilt, runProgram, startProgram } from './run-program.js';

const demo = path.join(demoFolder, '..', 'demo.yaml');
const canRun = isBuilt && existsSync(demoFolder) && (await findTemporalCli()) !== undefined;

describe.skipIf(!canRun)('run (skipped without a build, the demo model or a Temporal CLI)', () => {
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

  it('is interrupted in order and resumed; a finished one is found again', { timeout: 120_000 }, async () => {
    const first = start('--json');
    const its = await worker();
    await until(() => first.said().includes('calibration: done') || undefined);
    first.process.kill('SIGINT');
    const interrupted = await first.ended;
    expect(interrupted.code, interrupted.stderr).toBe(130);
    expect(interrupted.stderr).toContain(`npx temporal-pipeline run ${demo} --state ${state} --json`);
    const { workflowId, runId, status } = JSON.parse(interrupted.stdout) as Record<string, string>;
    expect(status).toBe('interrupted');
    expect(isAlive(its)).toBe(false);
    expect(await runningServer(state)).toBeUndefined();

    const second = await start('--json').ended;
    expect(second.code, second.stderr).toBe(0);
    const result = JSON.parse(second.stdout) as Record<string, unknown> & { reused: number };
    expect(result).toMatchObject({ workflowId, runId, status: 'completed', name: 'demo' });
    expect(existsSync(result['mask'] as string) && existsSync(result['report'] as string)).toBe(true);

    const third = await start().ended;
    expect(third.code, third.stderr).toBe(0);
    expect(third.stdout).toMatch(/perplexity +dense +initial +rebuilt +gap closed/);
    expect(third.stderr).toContain('rebuild: found, nothing to do');
    expect(third.stderr).not.toContain('\x1b');
    const logged = readFileSync(path.join(state, 'logs', 'run.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { message: string });
    expect(logged.some(({ message }) => message === 'ended')).toBe(true);
  });

  it('takes its worker along when it is killed; the server that is left over serves the next one, which stops it', { timeout: 120_000 }, async () => {
    const first = start();
    const its = await worker();
    const server = await until(() => runningServer(state));
    await until(() => first.said().includes('started.') || undefined);
    first.process.kill('SIGKILL');
    await until(() => !isAlive(its) || undefined);
    expect(isAlive(server)).toBe(true);

    const second = start();
    await until(() => second.said().includes('was running already') || undefined);
    const taken = await worker();
    // A worker that dies is replaced, and the run ends well.
    process.kill(taken.pid, 'SIGKILL');
    const ended = await second.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain('was killed by SIGKILL; starting another one');
    expect(isAlive(server)).toBe(false);
    expect(readdirSync(path.join(state, 'workers')).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('ends with exit code 1 and the fault of the activity where the run fails', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await start('--set', `model.source=${path.dirname(demo)}`, '--json').ended;
    expect(code).toBe(1);
    const { status, error } = JSON.parse(stdout) as { status: string; error: { type: string; message: string } };
    expect(status).toBe('failed');
    expect(error.message).toContain(path.dirname(demo));
    expect(stderr).toContain(error.message);
    expect(stderr).toContain(path.join(state, 'logs', 'worker.jsonl'));
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('is refused where another state runs the pipeline on the same server; start, list and cancel work beside a worker', { timeout: 60_000 }, async () => {
    const serving = startProgram('temporal-pipeline', ['worker', '--state', state]);
    try {
      await until(() => serving.said().includes('Serving') || undefined);
      const server = await until(() => runningServer(state));
      const slow = ['--set', 'calibration.samples=200'];
      const started = await runProgram('temporal', ['workflow', 'start', '--pipeline', demo, '--state', state, '-o', 'json', ...slow]);
      expect(started.code, started.stderr).toBe(0);
      const { workflowId } = JSON.parse(started.stdout) as { workflowId: string };

      const other = await runProgram('temporal-pipeline', ['run', demo, '--state', `${state}/other`, ...slow], { env: { TEMPORAL_ADDRESS: `127.0.0.1:${server.port}` } });
      expect(other.code).toBe(2);
      expect(other.stderr).toMatch(/already running on task queue llm-barber-/);

      const cancelled = await runProgram('temporal-pipeline', ['cancel', workflowId, '--state', state, '--json']);
      expect(JSON.parse(cancelled.stdout)).toMatchObject({ workflowId, status: 'cancelled' });
      const { pipelines } = JSON.parse((await runProgram('temporal-pipeline', ['list', '--state', state, '--json'])).stdout) as { pipelines: object[] };
      expect(pipelines).toMatchObject([{ workflowId, status: 'cancelled', name: 'demo' }]);
    } finally {
      serving.process.kill('SIGTERM');
    }
    expect((await serving.ended).code).toBe(0);
    expect(await runningServer(state)).toBeUndefined();
  });
});
