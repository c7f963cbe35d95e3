/** A small search, used as a user would, against a real server and worker. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchResult } from '../../../workflows/search-protocol.js';
import type { SweepResult } from '../../../workflows/sweep-protocol.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';
import { startWorker, type Program } from './run-program.js';
import { smallPipeline } from './small-pipeline.js';

requireTemporalCli();

describe('search', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'search-cli-'));
  const state = path.join(folder, 'state');
  const file = path.join(folder, 'search.yaml');
  let own: OwnNamespace;
  let worker: Program | undefined;
  const call = (...words: string[]) => runCommand([...words, '--state', state], { env: own.env });

  beforeAll(async () => {
    own = await ownNamespace('search');
    writeFileSync(path.join(folder, 'small.yaml'), `${smallPipeline}gates: [rebuilt perplexity <= 1.2 * dense]\n`);
    writeFileSync(file, 'version: 1\nname: small\npipeline: ./small.yaml\nover: { sparsity: { from: 0.1, to: 0.9, step: 0.1 } }\n');
    writeFileSync(path.join(folder, 'sweep.yaml'), 'version: 1\nname: all\npipeline: ./small.yaml\nmatrix: { initialMask.sparsity: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] }\n');
  });
  afterAll(async () => {
    worker?.process.kill('SIGTERM');
    await worker?.ended;
    await own.client.connection.close();
    rmSync(folder, { recursive: true });
  });
  const made = (): string[] =>
    readFileSync(path.join(state, 'artifacts', 'log.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { event: string; kind: string; key: string })
      .filter(({ event, kind }) => event === 'made' && kind !== 'hidden').map(({ kind, key }) => `${kind}/${key}`);

  it('reports a wrong file with its place, and starts nothing', async () => {
    const wrong = path.join(folder, 'wrong.yaml');
    writeFileSync(wrong, readFileSync(file, 'utf8').replace('0.9', '0.85'));
    for (const words of [['search', 'run', wrong], ['search', 'validate', wrong], ['validate', wrong]]) {
      const { code, stderr } = await call(...words);
      expect(code).toBe(2);
      expect(stderr).toMatch(/wrong\.yaml:4:\d+: `to` is 0\.85, which no whole number of steps of 0\.1 from 0\.1 reaches; expected for example 0\.8 or 0\.9/);
    }
    expect(JSON.parse((await call('validate', wrong, '--json')).stdout)).toMatchObject({ valid: false, problems: [{ line: 4 }] });
    expect(existsSync(state)).toBe(false);
  });

  it('is accepted by `validate`, which says how many runs it takes at most', async () => {
    expect((await call('validate', file)).stdout).toContain('search.yaml: ok: small, 9 points from sparsity=0.1 to sparsity=0.9, at most 5 runs\n');
    expect(JSON.parse((await call('validate', file, '--json')).stdout)).toMatchObject({ valid: true, name: 'small', mostRuns: 5 });
  });

  it('finds the same as trying every point, without repeating work, when killed with its worker', async () => {
    worker = await startWorker(state, { env: own.env });
    const started = await call('search', 'start', file, '--json');
    expect(started.code, started.stderr).toBe(0);
    const { workflowId } = JSON.parse(started.stdout) as { workflowId: string };
    // The second point has started: its calibration is reused, and its masks are being made.
    while (!existsSync(path.join(state, 'runs', `${workflowId}.sparsity=0.1`, 'report.md'))) await sleep(20);
    worker.process.kill('SIGKILL');
    await worker.ended;
    worker = await startWorker(state, { env: own.env });

    const run = await call('search', 'run', file, '--json');
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain('was already running; attached to it');
    const { best, tried, runs, report } = JSON.parse(run.stdout) as SearchResult;
    expect(runs).toBe(tried.length);
    expect(runs).toBeLessThanOrEqual(5);
    expect(new Set(made()).size).toBe(made().length);

    // Compare with a sweep, which judges all points and reuses those that the search has tried.
    const sweep = await call('sweep', 'run', path.join(folder, 'sweep.yaml'), '--json');
    const { rows } = JSON.parse(sweep.stdout) as SweepResult;
    const passing = rows.filter(({ status }) => status === 'done').map(({ values }) => values['initialMask.sparsity']);
    expect(passing.length).toBeGreaterThan(1);
    expect(passing.length).toBeLessThan(9);
    expect(best).toMatchObject({ sparsity: passing.at(-1) });
    for (const { sparsity, passed, perplexity } of tried) {
      const row = rows.find(({ values }) => values['initialMask.sparsity'] === sparsity);
      expect({ passed, perplexity }).toEqual({ passed: row?.status === 'done', perplexity: row?.perplexity });
    }
    expect(new Set(made()).size).toBe(made().length);

    expect(existsSync(path.join(best?.checkpoint ?? '', 'model.safetensors'))).toBe(true);
    expect(existsSync(best?.mask ?? '')).toBe(true);
    expect(report).toBe(path.join(state, 'searches', workflowId, 'report.md'));
    for (const name of ['report.md', 'table.csv', 'table.json', 'plot.svg']) expect(existsSync(path.join(state, 'searches', workflowId, name)), name).toBe(true);
    const listed = JSON.parse((await call('search', 'list', '--json')).stdout) as { searches: object[] };
    expect(listed.searches).toMatchObject([{ workflowId, status: 'completed', name: 'small', points: 9 }]);
  });

  it('ends with exit code 3 if no point passes, and its result can be watched', async () => {
    writeFileSync(path.join(folder, 'none.yaml'), `${readFileSync(file, 'utf8')}gates: [{ name: too much, check: rebuilt perplexity <= 1.0001 }]\n`);
    const run = await call('search', 'run', path.join(folder, 'none.yaml'));
    expect(run.code, run.stderr).toBe(3);
    expect(run.stdout).toContain('1 of 9 points tried');
    expect(run.stderr).toContain('No point passes: even sparsity=0.1 fails its quality gates: too much.');
    const watch = await call('search', 'watch', path.join(folder, 'none.yaml'), '--json');
    expect(watch.code).toBe(3);
    expect(JSON.parse(watch.stdout)).toMatchObject({ status: 'gateFailed', best: null, runs: 1 });
    const cancel = await call('search', 'cancel', path.join(folder, 'none.yaml'));
    expect(cancel.code).toBe(2);
    expect(cancel.stderr).toMatch(/search small-[0-9a-f]{16} is not running: completed/);
  });
});
