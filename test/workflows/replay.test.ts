/**
 * Runs in flight replay the workflow's code against what it did before. The history here was recorded from a run of
 * pipelines/demo.yaml: `temporal workflow show --workflow-id ID --output json > test/workflows/histories/demo.json`.
 * If this fails, runs in flight would fail too: keep the order of the workflow's steps, or guard a new one with `patched()`.
 */
import { readFileSync } from 'node:fs';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { expect, it } from 'vitest';

// The violations below are meant; their log is not for the reader of a test run.
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });

const history: unknown = JSON.parse(readFileSync('test/workflows/histories/demo.json', 'utf8'));
const code = readFileSync('dist/workflow-bundle.js', 'utf8');

const replay = (code: string): Promise<void> => Worker.runReplayHistory({ workflowBundle: { code } }, history);

it('replays a recorded run', async () => {
  await replay(code);
});

it.each([
  ['leaves out a step', 'await activities.sampleEvaluation(', 'await Promise.resolve('],
  ['does another step', 'await activities.scorePerplexity(', 'await activities.skipScore('],
])('would notice a workflow that %s', async (_, original, changed) => {
  expect(code).toContain(original);
  await expect(replay(code.replace(original, changed))).rejects.toThrow(DeterminismViolationError);
});
