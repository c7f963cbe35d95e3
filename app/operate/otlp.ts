import { OtlpRefusesError, OtlpUnreachableError, SpansRejectedError } from '../cli/errors.js';
import { withoutSecrets } from '../../errors/secrets.js';
import type { OtlpTarget } from './otlp-target.js';
import { PendingMessages, post, type PostRequest } from './post.js';
import { traceOf, type TracedRun } from './trace.js';

export interface SentTrace {
  /** 32 hexadecimal digits. Trace viewers find the trace by them. */
  traceId: string;
  spans: number;
  url: string;
}

/** How often sending is tried, and for how long. */
export type RetryPolicy = Pick<PostRequest, 'attempts' | 'firstPauseMs' | 'timeoutMs' | 'stop'>;

/** For a person who waits for the answer. */
export const singleAttempt: RetryPolicy = { attempts: 1, firstPauseMs: 0, timeoutMs: 30_000 };
/** The patience of a worker: at most a minute in all. */
const workerRetryPolicy: RetryPolicy = { attempts: 6, firstPauseMs: 1000, timeoutMs: 4000 };
/** Milliseconds that a worker waits at its end for traces that are being sent. */
const drainTimeoutMs = 3000;

/** After these statuses, OTLP allows a client to retry. */
const transientStatuses: readonly number[] = [429, 502, 503, 504];

/**
 * Sends the trace of a run to an OTLP receiver over HTTP. Errors contain no headers, and only the part of the address before the `?`.
 * @throws OtlpUnreachableError, OtlpRefusesError, SpansRejectedError
 */
export async function sendTrace(run: TracedRun, { url, headers, resource }: OtlpTarget, retryPolicy: RetryPolicy): Promise<SentTrace> {
  const trace = traceOf(run, resource);
  const posted = await post({ url, headers, body: withoutSecrets(JSON.stringify(trace)), ...retryPolicy, isTransient: (status) => transientStatuses.includes(status) });
  const where = withoutQuery(url);
  if (posted.status === undefined) throw new OtlpUnreachableError(where, posted.cause);
  const partial = posted.ok ? partialSuccess(posted.answer) : undefined;
  if (partial === undefined) throw new OtlpRefusesError(where, posted.status, posted.answer);
  const { rejectedSpans = '0', errorMessage = '' } = partial;
  if (Number(rejectedSpans) > 0) throw new SpansRejectedError(where, String(rejectedSpans), errorMessage);
  const [{ scopeSpans: [{ spans }] }] = trace.resourceSpans;
  return { traceId: spans[0].traceId, spans: spans.length, url: where };
}

/** Returns the part of an address that may be shown. The query may contain keys. */
export function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

interface PartialSuccess {
  rejectedSpans?: string | number;
  errorMessage?: string;
}

/** Reads which spans the receiver rejected. Returns undefined if the answer is not from OTLP, for example a page of some other server. */
function partialSuccess(answer: string): PartialSuccess | undefined {
  try {
    const said = (answer.trim() === '' ? {} : JSON.parse(answer)) as { partialSuccess?: PartialSuccess | null } | null;
    return typeof said === 'object' && said !== null ? (said.partialSuccess ?? {}) : undefined;
  } catch {
    return undefined;
  }
}

/** Sends the traces of runs when they end. Gives up on a trace that cannot be sent within a minute, because it must not hold up work. */
export class Traces {
  private readonly sending = new PendingMessages();
  private readonly stop = new AbortController();

  /** @param onFailure called with the reason if a trace could not be sent */
  constructor(
    readonly target: OtlpTarget,
    private readonly onFailure: (why: string) => void,
    private readonly retryPolicy: RetryPolicy = workerRetryPolicy,
  ) {}

  /** Starts to send the trace of a run. A run without any work has no trace. */
  send(run: TracedRun): void {
    if (run.timeline.units.length === 0) return;
    this.sending.add(sendTrace(run, this.target, { ...this.retryPolicy, stop: this.stop.signal }).then(() => undefined, (error: unknown) => {
      this.onFailure(`The trace of ${run.workflowId} was not sent. ${error instanceof Error ? error.message : String(error)}`);
    }));
  }

  /** Waits a short time for traces that are being sent, then gives up on them. */
  async settle(): Promise<void> {
    const late = setTimeout(() => { this.stop.abort(); }, drainTimeoutMs);
    await this.sending.settle();
    clearTimeout(late);
  }
}
