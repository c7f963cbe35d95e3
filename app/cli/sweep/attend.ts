import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { countText, markdownTable, sweepRows } from '../../report/index.js';
import type { PipelineProgress } from '../../../workflows/protocol.js';
import type { SweepResult, SweepTable } from '../../../workflows/sweep-protocol.js';
import { throughOutages } from '../client.js';
import { commandText, stateWords } from '../command-text.js';
import { exitCode } from '../exit-codes.js';
import { unlessAborted } from '../interrupts.js';
import { describeFailure, type OutcomeError } from '../outcome.js';
import type { Display } from '../progress/display.js';
import { queryProgress } from '../progress/follow.js';
import { printJson } from '../output.js';
import { queryTable } from './find.js';
import type { SweepView } from './view.js';

const pollMs = 1_000;
const queryMs = 5_000;
/** Members whose own progress is asked for. */
const mostAsked = 16;

/** Shows a sweep's members until `signal` aborts. While nobody answers it goes on asking. */
export async function followSweep(client: Client, workflowId: string, display: Display<SweepView>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const view = await unlessAborted(viewOf(client, workflowId), signal).catch(() => undefined);
    if (view !== undefined && !signal.aborted) display.update(view);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

async function viewOf(client: Client, workflowId: string): Promise<SweepView> {
  const table = await queryTable(client, workflowId, queryMs);
  const asked = table.rows.filter(({ status }) => status === 'running').slice(0, mostAsked);
  const answers = await Promise.all(
    asked.map(async (row) => [row.workflowId, await queryProgress(client, row).catch(() => undefined)] as const),
  );
  return { table, running: Object.fromEntries(answers.filter((answer): answer is [string, PipelineProgress] => answer[1] !== undefined)) };
}

/** How a sweep ended. A sweep with failed members is completed too. */
export type SweepOutcome = { status: 'completed'; result: SweepResult } | { status: 'failed' | 'cancelled'; error: OutcomeError };

/** Waits for the end of a sweep, across continuations, however long the server is away meanwhile. @throws the signal's reason when it aborts */
export async function awaitSweep(client: Client, workflowId: string, signal: AbortSignal): Promise<SweepOutcome> {
  const handle = client.workflow.getHandle<() => Promise<SweepResult>>(workflowId);
  try {
    return { status: 'completed', result: await unlessAborted(throughOutages(() => handle.result(), signal), signal) };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return describeFailure(error);
    throw error;
  }
}

/** Whether a member needs `sweep resume`. */
const isLeft = ({ rows }: SweepTable): boolean => rows.some(({ status }) => status === 'failed' || status === 'cancelled');

/** Prints how a sweep ended. @returns the exit code: that of a failed run if a member failed, else that of a failed gate if one did */
export function showSweep(workflowId: string, outcome: SweepOutcome, { json, state }: { json: boolean; state: string }): number {
  const resume = `To run what is left: ${commandText(['sweep', 'resume', workflowId, ...stateWords(state)])}`;
  if (outcome.status !== 'completed') {
    if (json) printJson({ workflowId, status: outcome.status, error: outcome.error });
    process.stderr.write(`\nThe sweep ${outcome.status === 'failed' ? `failed (${outcome.error.type}): ${outcome.error.message}` : 'was cancelled; finished members are kept.'}\n${resume}\n`);
    return exitCode.runFailed;
  }
  const { result } = outcome;
  if (json) printJson({ workflowId, status: outcome.status, ...result });
  else process.stdout.write(`\n${tableText(result)}\n\n  report  ${result.report}\n`);
  for (const { name, error } of result.rows) if (error !== undefined) process.stderr.write(`${name} failed (${error.type}): ${error.message}\n`);
  for (const { name, status, because } of result.rows) if (status === 'gateFailed') process.stderr.write(`${name}: quality gates failed: ${because ?? ''}\n`);
  if (!isLeft(result)) return result.rows.some(({ status }) => status === 'gateFailed') ? exitCode.gateFailed : exitCode.done;
  process.stderr.write(`${resume}\n`);
  return exitCode.runFailed;
}

/** The table for a terminal, which is Markdown too. */
export function tableText(table: SweepTable): string {
  return `${table.name}: ${countText(table)}\n\n${markdownTable(sweepRows(table))}`;
}
