/**
 * Runs in flight replay the workflow's code against their history. The histories here were recorded by tools/record-histories.ts
 * from runs of the demo model: with the code from before runs continued as new, and `continued-*` (one run, in several executions)
 * with that feature. If this test fails, runs in flight would fail too: keep the order of the workflow's steps, or guard a new one with
 * `patched()`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import { noSinks } from '../helpers/no-sinks.js';

// The violations below are deliberate, so their log is not shown.
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });

const folder = 'test/workflows/histories';
const histories = new Map(readdirSync(folder).map((file) => [file.replace('.json.gz', ''), gunzipSync(readFileSync(`${folder}/${file}`)).toString()]));
const code = readFileSync('dist/workflow-bundle.js', 'utf8');

async function replay(name: string, changed = code): Promise<void> {
  const history = JSON.parse(histories.get(name) ?? '') as { events: { workflowExecutionStartedEventAttributes: { workflowId: string } }[] };
  // The members of a sweep are named after it.
  await Worker.runReplayHistory({ workflowBundle: { code: changed }, sinks: noSinks }, history, history.events[0].workflowExecutionStartedEventAttributes.workflowId);
}

it.each([...histories.keys()])('replays a recorded run: %s', async (name) => {
  await replay(name);
});

it('has recorded runs that match their names', () => {
  const missing = (name: string, ...words: string[]): string[] => words.filter((word) => histories.get(name)?.includes(word) !== true);
  expect(missing('allocation', '"scoreLayer"', '"advanceLayer"')).toEqual([]);
  expect(missing('zero-shot', '"sampleQuestions"', '"judgeZeroShot"')).toEqual([]);
  expect(missing('pause', '"pause"', '"resume"')).toEqual([]);
  expect(missing('lost-worker', 'ACTIVITY_TASK_TIMED_OUT')).toEqual([]);
  expect(missing('shards', '"gatherShard"', '"chooseMask"', '"gatherSubBlock"', '"finishShard"', '"closeLayer"', 'ACTIVITY_TASK_TIMED_OUT')).toEqual([]);
  expect(missing('sweep-1', 'CHILD_WORKFLOW_EXECUTION_COMPLETED', 'CONTINUED_AS_NEW')).toEqual([]);
  expect(missing('sweep-2', 'CHILD_WORKFLOW_EXECUTION_COMPLETED', '"writeSweep"')).toEqual([]);
  expect(missing('search', '"checkSearch"', 'CHILD_WORKFLOW_EXECUTION_COMPLETED', '"writeSearch"')).toEqual([]);
  const continued = [...histories.keys()].filter((name) => name.startsWith('continued-'));
  expect(continued.length).toBeGreaterThan(2);
  expect(continued.filter((name) => missing(name, 'CONTINUED_AS_NEW').length === 0)).toHaveLength(continued.length - 1);
});

const suggested = /(const isLong = )continueAsNewSuggested/;

describe('detects a workflow that', () => {
  it.each([
    ['leaves out a step', 'demo', 'await activities.sampleEvaluation(', 'await Promise.resolve('],
    ['does another step', 'demo', '.scorePerplexity(', '.skipScore('],
    ['tries another point', 'search', 'Math.floor((low + high) / 2)', 'low + 1'],
    ['does not continue as new where the recorded one did', 'continued-2', suggested, '$1false'],
  ])('%s', async (_, name, original, replacement) => {
    const changed = code.replace(original, replacement);
    expect(changed).not.toBe(code);
    await expect(replay(name, changed)).rejects.toThrow(DeterminismViolationError);
  });
});

it('never continues a run of an older version as new, however long it is', async () => {
  const long = code.replace(suggested, '$1true');
  expect(long).not.toBe(code);
  await replay('demo', long);
  const unguarded = long.replace(/ && \(0, ?\w+\.patched\)\('continue-as-new'\)/, '');
  expect(unguarded).not.toBe(long);
  await expect(replay('demo', unguarded)).rejects.toThrow(DeterminismViolationError);
});
