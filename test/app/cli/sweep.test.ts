/** A small sweep, used as a user would, against a real server and worker. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SweepResult } from '../../../workflows/sweep-protocol.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';
import { startProgram, startWorker, type Program } from './run-program.js';
import { smallPipeline } from './small-pipeline.js';

requireTemporalCli();

describe('sweep', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sweep-cli-'));
  const state = path.join(folder, 'state');
  const file = path.join(folder, 'sweep.yaml');
  let own: OwnNamespace;
  let worker: Program | undefined;
  const call = (...words: string[]) => runCommand(['sweep', ...words, '--state', state], { env: own.env });

  beforeAll(async () => {
    own = await ownNamespace('sweep');
    writeFileSync(path.join(folder, 'small.yaml'), smallPipeline);
    writeFileSync(file, 'version: 1\nname: small\npipeline: ./small.yaml\nmatrix: { initialMask.sparsity: [0.4, 0.6], rebuild.ratio: [0.1, 0.5] }\nbest: { metric: perplexity.rebuilt, goal: min }\n');
  });
  afterAll(async () => {
    worker?.process.kill('SIGTERM');
    await worker?.ended;
    await own.client.connection.close();
    rmSync(folder, { recursive: true });
  });
  const made = (kind: string): number =>
    readFileSync(path.join(state, 'artifacts', 'log.jsonl'), 'utf8').split('\n').filter((line) => line.includes('"event":"made"') && line.includes(`"kind":"${kind}"`)).length;

  it('reports a wrong file with its place, and starts nothing', async () => {
    const wrong = path.join(folder, 'wrong.yaml');
    writeFileSync(wrong, readFileSync(file, 'utf8').replace('0.6', '6'));
    const { code, stderr } = await call('run', wrong);
    expect(code).toBe(2);
    expect(stderr).toMatch(/wrong\.yaml:4:\d+: `sparsity` is 6; expected a number above 0 and below 1/);
    expect(existsSync(state)).toBe(false);
  });

  it('can be interrupted, resumed and extended, and does shared work once', async () => {
    const first = startProgram('temporal-pipeline', ['sweep', 'run', file, '--state', state], { env: own.env });
    while (!first.said().includes('(1 of 4)') && first.process.exitCode === null) await sleep(20);
    first.process.kill('SIGINT');
    const interrupted = await first.ended;
    expect(interrupted.code, interrupted.stderr).toBe(130);

    // The first call started a worker of its own and stopped it. The next calls find this one.
    worker = await startWorker(state, { env: own.env });
    const second = await call('run', file, '--json');
    expect(second.code, second.stderr).toBe(0);
    const result = JSON.parse(second.stdout) as SweepResult & { workflowId: string };
    expect(result.rows.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
    const perplexities = result.rows.map(({ perplexity }) => Object.values(perplexity?.rebuilt ?? {})[0]);
    expect(result.best?.value).toBe(Math.min(...perplexities));
    const layers = 4;
    // Windows of calibration and evaluation; per layer two initial masks and four rebuilt ones; one dense, two initial and four rebuilt perplexities.
    expect([made('tokens'), made('mask'), made('perplexity')]).toEqual([2, 6 * layers, 7]);
    for (const name of ['report.md', 'table.md', 'table.csv', 'table.json', 'plot.svg']) {
      expect(existsSync(path.join(state, 'sweeps', result.workflowId, name)), name).toBe(true);
    }
    expect(result.report).toBe(path.join(state, 'sweeps', result.workflowId, 'report.md'));

    const more = await call('add-values', result.workflowId, 'ratio=0.9', '--json');
    expect(more.code, more.stderr).toBe(0);
    const wider = JSON.parse(more.stdout) as SweepResult;
    expect(wider.rows).toHaveLength(6);
    expect(wider.rows.slice(0, 4)).toEqual(result.rows);
    expect(more.stderr).not.toContain('ratio=0.1: started');
    expect([made('tokens'), made('mask'), made('perplexity')]).toEqual([2, 8 * layers, 9]);

    const table = await call('report');
    expect(table.stdout).toContain('6 members: 6 done.');
    const latest = async (): Promise<object> => (JSON.parse((await call('list', '--json')).stdout) as { sweeps: object[] }).sweeps[0];
    await expect.poll(latest, { timeout: 120_000 }).toMatchObject({ workflowId: result.workflowId, status: 'completed', name: 'small', members: 6 });
  });
});
