import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWorker, parsePipeline, PipelineFileError, readResult, runPipeline, startPipeline } from '../../../app/api/index.js';
import { runCommand } from '../cli/run-command.js';
import { smallPipeline } from '../cli/small-pipeline.js';

let state: string;
beforeEach(() => (state = mkdtempSync(path.join(tmpdir(), 'api-worker-'))));
afterEach(() => rmSync(state, { recursive: true }));

it('runs a started pipeline on a worker, reuses its work in a second run, and stops waiting when the signal aborts', async () => {
  const parsed = parsePipeline({ text: smallPipeline, path: path.join(state, 'small.yaml') });
  const worker = await createWorker({ state });
  try {
    const started = await startPipeline(parsed, { state });
    expect(started.attached).toBe(false);
    expect((await runCommand(['watch', started.workflowId, '--state', state])).code).toBe(0);
    const again = await runPipeline(parsed, { state });
    expect(again.status).toBe('completed');
    if (again.status !== 'completed') return;
    expect(again.workflowId).toBe(started.workflowId);
    expect(await readResult(path.join(state, 'runs', again.workflowId))).toMatchObject({ name: 'small', perplexity: again.result.perplexity });
    expect(again.result.reused).toBeGreaterThan(0);
    await expect(runPipeline(parsed, { state, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  } finally {
    await worker.stop();
  }
  expect(await worker.ended).toMatchObject({ signal: null });
});

it('reports an error in a pipeline with its place', () => {
  const wrong = (): unknown => parsePipeline({ text: smallPipeline.replace('sparsity: 0.5', 'sparsity: 5'), path: 'small.yaml' });
  expect(wrong).toThrow(PipelineFileError);
});
