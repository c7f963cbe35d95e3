/** The costs in the report of a run that is repeated. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PipelineResult } from '../../activities/result.js';
import type { RunContext } from '../../activities/types.js';
import { writeReport } from '../../activities/write-report.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { demoPipeline } from '../helpers/demo-run.js';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'write-report-'));
});
afterEach(() => rm(state, { recursive: true }));

const result = (seconds: number, reused: number, more: Partial<PipelineResult> = {}): PipelineResult => ({
  name: 'small', configDigest: 'd', engine: { backend: 'wasm', version: '1', device: 'cpu', threads: 1 },
  model: { source: '/m', family: 'llama', digest: 'd', layers: 1, parameters: 2, prunable: 1 },
  checkpoint: '/c', mask: '', proof: '', report: '', pattern: 'unstructured', sparsity: { target: 0.5, actual: 0.5 }, perplexity: { rebuilt: { 'a.txt': 3.25 } },
  initialMask: { layers: [0.5], linears: [] }, rebuild: { grown: 1, pruned: 1, layers: [] },
  seconds: { calibration: 0, initialMask: 0, rebuild: seconds, evaluation: 0, total: seconds }, reused, ...more,
});
const gate = (found: number): PipelineResult['gates'] => [{ gate: 'fast', asked: 'total seconds <= 3', quantity: 'seconds', comparison: '<=', limit: 3, found, passed: found <= 3 }];
const write = (of: PipelineResult) => writeReport({ workflowId: 'w', pipeline: demoPipeline(), context: {} as RunContext, result: of }, state, new ArtifactStore(join(state, 'artifacts')), {
  renderReport: ({ seconds, reused }) => `${seconds.total} s, ${reused} found`,
  renderPage: ({ result: { name } }) => Promise.resolve(`page of ${name}`),
});
const files = async (): Promise<unknown[]> => {
  const report = await readFile(join(state, 'runs', 'w', 'report.md'), 'utf8');
  const { seconds, reused, spent, incidents, gates } = JSON.parse(await readFile(join(state, 'runs', 'w', 'result.json'), 'utf8')) as PipelineResult;
  return [report, seconds.total, reused, spent, incidents?.length, gates?.[0]?.passed];
};

it('keeps the costs of the first run in report and result, and passes them on, if a later run reuses everything', async () => {
  const first = result(3.7, 0, { spent: 3.7, gates: gate(3.7), incidents: [{ at: '2026-01-01T00:00:00.000Z', what: 'slept' }] });
  expect(await write(first)).not.toHaveProperty('seconds');
  const before = await files();
  expect(before).toEqual(['3.7 s, 0 found', 3.7, 0, 3.7, 1, false]);
  const again = await write(result(2.4, 20, { spent: 0.1, gates: gate(2.4) }));
  expect(again).toMatchObject({ seconds: { total: 3.7 }, gates: [{ found: 3.7, passed: false }] });
  expect(await files()).toEqual(before);
});

it.each([
  ['has another result', result(2.4, 20, { perplexity: { rebuilt: { 'a.txt': 3.5 } } })],
  ['writes to another place', result(2.4, 20, { checkpoint: '/elsewhere' })],
  ['recomputes everything', result(2.4, 0)],
])('reports the costs of a later run if it %s', async (_, later) => {
  await write(result(3.7, 0));
  await write(later);
  expect((await files())[1]).toBe(2.4);
});

it('rewrites a result that cannot be read', async () => {
  await write(result(3.7, 0));
  await writeFile(join(state, 'runs', 'w', 'result.json'), '{"sec');
  await write(result(2.4, 20));
  expect((await files())[1]).toBe(2.4);
});

it('writes a page beside the report, with the reason if it cannot be drawn', async () => {
  const page = async (): Promise<string> => readFile(join(state, 'runs', 'w', 'report.html'), 'utf8');
  expect(await write(result(1, 0))).toMatchObject({ page: join(state, 'runs', 'w', 'report.html') });
  expect(await page()).toBe('page of small');
  // Its mask does not exist.
  await write(result(1, 0, { name: '<b>small', mask: join(state, 'no-mask.safetensors'), proof: join(state, 'no-proof.json') }));
  expect(await page()).toContain('The page of &lt;b>small could not be drawn');
});
