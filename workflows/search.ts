import { ApplicationFailure, CancellationScope, defineQuery, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { maxTried, nextPoint } from './bisection.js';
import { doneOutcome, failedOutcome, runMember } from './member.js';
import { asObject } from './as-object.js';
import { awaitRequestCheck } from './request-check.js';
import { shared } from './shared-activities.js';
import type { SearchRequest, SearchResult, SearchRow, SearchTable, TriedPoint } from './search-protocol.js';
import { memberWorkflowId, sweepTableQuery } from './sweep-protocol.js';

/** Finds the sparsest model that passes its gates, by bisection. Each point is its own pipeline workflow, run one after the other. */
export async function search(request: SearchRequest): Promise<SearchResult> {
  const run = new SearchRun(request);
  setHandler(defineQuery<SearchTable>(sweepTableQuery), () => run.table());
  await awaitRequestCheck(shared('checks of the search and its members').checkSearch(request));
  try {
    return await run.runToCompletion();
  } catch (error) {
    // However the search ends, the points that were tried are reported.
    await CancellationScope.nonCancellable(() => run.write()).catch(() => undefined);
    throw error;
  }
}

class SearchRun {
  private readonly rows: SearchRow[] = [];

  constructor(private readonly request: SearchRequest) {}

  table(): SearchTable {
    // A query can arrive before the request is checked. A worker then refuses a request without members.
    const { name, over, members, base } = asObject(this.request);
    const { cost } = asObject(base);
    const points = Array.isArray(members) ? members.length : 0;
    const [best] = this.rows.filter(({ status }) => status === 'done').sort((a, b) => b.index - a.index);
    return {
      name,
      axes: ['patterns' in asObject(over) ? 'initialMask.pattern' : 'initialMask.sparsity'],
      ...(cost && { cost }),
      rows: this.rows,
      points,
      mostRuns: maxTried(points),
      ...(best !== undefined && { best: { name: best.name } }),
    };
  }

  async runToCompletion(): Promise<SearchResult> {
    for (;;) {
      const passed = new Map(this.rows.map(({ index, status }) => [index, status === 'done']));
      const next = nextPoint(this.request.members.length, passed);
      if ('point' in next) await this.tryPoint(next.point);
      else return { ...this.result(next.answer), report: await this.write() };
    }
  }

  async write(): Promise<string> {
    return await shared('table, charts and report').writeSearch({ searchId: workflowInfo().workflowId, table: this.table() });
  }

  /** @throws ApplicationFailure, not retried, if the point has no result; the cancellation if the search is cancelled */
  private async tryPoint(index: number): Promise<void> {
    const member = this.request.members[index];
    const { name, values } = member;
    const row: SearchRow = { name, workflowId: memberWorkflowId(workflowInfo().workflowId, name), values, index, status: 'running' };
    this.rows.push(row);
    try {
      const result = await runMember(this.request, member);
      Object.assign(row, doneOutcome(result), { gates: result.gates ?? [], mask: result.mask });
    } catch (error) {
      Object.assign(row, failedOutcome(error));
      if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
      const { type, message } = row.error ?? { type: 'PointCancelledError', message: 'its run was cancelled' };
      throw ApplicationFailure.nonRetryable(`${name}: ${message}`, type);
    }
  }

  private result(answer: number | null): Omit<SearchResult, 'report'> {
    const tried = this.rows.map(triedPoint);
    const at = this.rows.findIndex(({ index }) => index === answer);
    return { name: this.request.name, best: at < 0 ? null : pointOf(tried[at]), tried, runs: tried.length, points: this.request.members.length };
  }
}

function triedPoint({ name, index, values, status, workflowId, sparsity: sparsityFound, perplexity, accuracy, chance, seconds, spent, checkpoint = '', mask = '', report = '', gates = [] }: SearchRow): TriedPoint {
  const { 'initialMask.sparsity': sparsity, 'initialMask.pattern': pattern } = values;
  return {
    name,
    index,
    sparsity: Number(sparsity),
    ...(pattern !== undefined && { pattern: String(pattern) }),
    passed: status === 'done',
    gates,
    ...(sparsityFound !== undefined && { sparsityFound }),
    ...(perplexity !== undefined && { perplexity }),
    ...(accuracy !== undefined && { accuracy }),
    ...(chance !== undefined && { chance }),
    ...(seconds !== undefined && { seconds }),
    ...(spent !== undefined && { spent }),
    workflowId, checkpoint, mask, report,
  };
}

function pointOf({ sparsity, pattern, workflowId, checkpoint, mask, report }: TriedPoint): SearchResult['best'] {
  return { sparsity, ...(pattern !== undefined && { pattern }), workflowId, checkpoint, mask, report };
}
