import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { countText, markdownTable, sweepRows } from '../../report/index.js';
import type { PipelineProgress } from '../../../workflows/protocol.js';
import type { SweepResult, SweepTable } from '../../../workflows/sweep-protocol.js';
import { retryWhileUnavailable } from '../client.js';
import { commandText, stateWords } from '../command-text.js';
import { exitCode } from '../exit-codes.js';
import { unlessAborted } from '../interrupts.js';
import { describeFailure, type OutcomeError } from '../outcome.js';
import type { GlobalOptions } from '../options.js';
import { openView, type Display } from '../progress/display.js';
import { queryProgress } from '../progress/follow.js';
import { printJson } from '../output.js';
import { queryTable } from './find.js';
import type { RunGroupKind } from './kind.js';
import { sweepView, type SweepView } from './view.js';

const pollMs = 1_000;
const queryMs = 5_000;
/** Maximum number of members whose own progress is asked for. */
const maxAsked = 16;

/** Shows the members of a sweep, or the tries of a search, until `signal` aborts. Keeps asking while there is no answer. */
export async function followSweep(client: Client, workflowId: string, display: Display<SweepView>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const view = await unlessAborted(viewOf(client, workflowId), signal).catch(() => undefined);
    if (view !== undefined && !signal.aborted) display.update(view);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

async function viewOf(client: Client, workflowId: string): Promise<SweepView> {
  const table = await queryTable(client, workflowId, queryMs);
  const asked = table.rows.filter(({ status }) => status === 'running').slice(0, maxAsked);
  const answers = await Promise.all(
    asked.map(async (row) => [row.workflowId, await queryProgress(client, row).catch(() => undefined)] as const),
  );
  return { table, running: Object.fromEntries(answers.filter((answer): answer is [string, PipelineProgress] => answer[1] !== undefined)) };
}

/** How a sweep or search ended. A sweep with failed members is completed too. */
export type RunGroupOutcome<Result> = { status: 'completed'; result: Result } | { status: 'failed' | 'cancelled'; error: OutcomeError };
export type SweepOutcome = RunGroupOutcome<SweepResult>;

/**
 * Waits for the end of a sweep or search, across continuations, even if the server is away for a long time. @throws the signal's reason
 * when it aborts
 */
export async function awaitRunGroup<Result>(client: Client, workflowId: string, signal: AbortSignal): Promise<RunGroupOutcome<Result>> {
  const handle = client.workflow.getHandle<() => Promise<Result>>(workflowId);
  try {
    return { status: 'completed', result: (await unlessAborted(retryWhileUnavailable(() => handle.result(), signal), signal)) as Result };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return describeFailure(error);
    throw error;
  }
}

/** Shows a sweep or search until it ends, and then its outcome. @returns the exit code. @throws the signal's reason when it aborts */
export async function followToEnd<Result>(client: Client, kind: RunGroupKind<Result>, workflowId: string, { options, signal }: { options: GlobalOptions; signal: AbortSignal }): Promise<number> {
  const display = openView(sweepView, process.stderr);
  const stop = new AbortController();
  const following = followSweep(client, workflowId, display, AbortSignal.any([signal, stop.signal]));
  try {
    const outcome = await awaitRunGroup<Result>(client, workflowId, signal);
    // Now the end of the last member is known too. If no worker answers, it is in the result.
    const table = await unlessAborted(queryTable(client, workflowId, queryMs), signal).catch(() => undefined);
    if (table !== undefined) display.update({ table, running: {} });
    display.end();
    return kind.show(workflowId, outcome, options);
  } finally {
    stop.abort();
    await following;
  }
}

/** Whether any member needs `sweep resume`. */
const hasUnfinished = ({ rows }: SweepTable): boolean => rows.some(({ status }) => status === 'failed' || status === 'cancelled');

/**
 * Prints how a sweep ended. @returns the exit code: that of a failed run if any member failed, otherwise that of a failed gate if any gate
 * failed
 */
export function showSweep(workflowId: string, outcome: SweepOutcome, { json, state }: { json: boolean; state: string }): number {
  const resume = `To run the others: ${commandText(['sweep', 'resume', workflowId, ...stateWords(state)])}`;
  if (outcome.status !== 'completed') {
    if (json) printJson({ workflowId, status: outcome.status, error: outcome.error });
    process.stderr.write(`\nThe sweep ${outcome.status === 'failed' ? `failed (${outcome.error.type}): ${outcome.error.message}` : 'was cancelled; finished members are kept.'}\n${resume}\n`);
    return exitCode.runFailed;
  }
  const { result } = outcome;
  if (json) printJson({ workflowId, status: outcome.status, ...result });
  else process.stdout.write(`\n${tableText(result)}\n\n  report  ${result.report}\n  page    ${pageBeside(result.report)}\n`);
  for (const { name, error } of result.rows) if (error !== undefined) process.stderr.write(`${name} failed (${error.type}): ${error.message}\n`);
  for (const { name, status, because } of result.rows) if (status === 'gateFailed') process.stderr.write(`${name}: quality gates failed: ${because ?? ''}\n`);
  if (!hasUnfinished(result)) return result.rows.some(({ status }) => status === 'gateFailed') ? exitCode.gateFailed : exitCode.done;
  process.stderr.write(`${resume}\n`);
  return exitCode.runFailed;
}

/** The page of a sweep or search, beside its report. */
export const pageBeside = (report: string): string => report.replace(/\.md$/, '.html');

/** The table for a terminal, which is also valid Markdown. */
export function tableText(table: SweepTable): string {
  return `${table.name}: ${countText(table)}\n\n${markdownTable(sweepRows(table))}`;
}
