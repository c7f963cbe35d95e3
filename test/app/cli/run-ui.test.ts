/** `run --ui`: the page of a run, from its start to its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { leaveLocalServer } from '../../../app/cli/local/local-server.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { startProgram } from './run-program.js';

requireTemporalCli();
let state = '';
beforeAll(() => {
  state = mkdtempSync(path.join(tmpdir(), 'run-ui-'));
});
afterAll(async () => {
  await leaveLocalServer(state);
  rmSync(state, { recursive: true });
});

it('serves the page during the run, and ends with it if there is no terminal', async () => {
  const run = startProgram('temporal-pipeline', ['run', path.join(demoFolder, '..', 'demo.yaml'), '--ui', '--json', '--state', state]);
  const said = async (what: RegExp): Promise<string> => {
    for (;;) {
      const [, found] = what.exec(run.said()) ?? [];
      if (found !== undefined) return found;
      if (run.process.exitCode !== null) throw new Error(`the command exited: ${run.said()}`);
      await sleep(20);
    }
  };
  const address = new URL(await said(/Page of this run: (\S+)/));
  const workflowId = await said(/Pipeline (\S+) started/);
  const cookie = `llm-barber-ui-${address.port}=${address.searchParams.get('token') ?? ''}`;
  const page = await fetch(`${address.origin}/runs/${workflowId}`, { headers: { cookie } });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain(workflowId);
  expect((await fetch(`${address.origin}/runs/${workflowId}`)).status).toBe(403);
  // An open page does not delay the end of the run.
  const events = fetch(`${address.origin}/runs/${workflowId}/events`, { headers: { cookie } }).then((answer) => answer.text()).catch(() => '');
  const { code, stdout, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  const result = JSON.parse(stdout) as { workflowId: string; timeline: { workers: string[]; units: { what: string; ended: number }[] }; planned: Record<string, { seconds: number; bytes: number }>; costs: Record<string, { peakBytes: number }> };
  expect(result.workflowId).toBe(workflowId);
  await events;
  await expect(fetch(address)).rejects.toThrow();
  // The token is only for the user.
  expect(stdout).not.toContain(address.searchParams.get('token'));

  // What the run records for its report: who did what, and what was predicted.
  const { timeline, planned, costs } = result;
  expect(timeline.workers).toHaveLength(1);
  expect(timeline.workers[0]).toMatch(/^\d+@./);
  const pieces = timeline.units.map(({ what }) => what);
  expect(pieces).toEqual(expect.arrayContaining(['checks of model, files and memory', 'calibration', 'initial mask, layer 0', 'rebuild, layer 3']));
  expect(timeline.units.every(({ ended }, index) => ended >= (timeline.units[index - 1]?.ended ?? 0))).toBe(true);
  expect(Object.keys(planned)).toEqual(['calibration', 'initialMask', 'rebuild', 'evaluation']);
  for (const { seconds, bytes } of Object.values(planned)) expect(seconds > 0 && bytes > 2 ** 20).toBe(true);
  expect(costs['rebuild']?.peakBytes).toBeGreaterThan(2 ** 20);
});
