import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../errors/fault.js';
import {
  GatedRepositoryError, HubAccessError, HubProtocolError, HubUnreachableError, RepositoryFileNotFoundError, RepositoryNotFoundError, RevisionNotFoundError, unreachable,
} from './errors.js';
import { describeRepository, type Repository } from './repository.js';
import type { HubSettings } from './settings.js';

/** What is requested, for messages. */
export interface Subject extends Repository {
  path?: string;
  /** Whether the request changes the repository. */
  writes?: boolean;
  /** Maximum number of attempts; default 5. */
  attempts?: number;
}

/** Attempts of one request before the activity's own retries take over. */
const defaultAttempts = 5;
const longestWaitMs = 30_000;

/** Waits before the next attempt: half a second, doubled after each failure, or as long as the server asks for; at most 30 s. */
export async function waitToRetry(failures: number, askedSeconds = 0): Promise<void> {
  await sleep(Math.min(longestWaitMs, Math.max(askedSeconds * 1000, 500 * 2 ** (failures - 1))));
}

/**
 * A `fetch` for the hub. It adds the token, but only for the hub's own origin (not for redirects elsewhere), retries temporary
 * failures, and throws one of our faults for every other response that is not a success.
 * A connection without data for `idleMs` is cut. For this, bodies must be read through {@link bodyOf}.
 */
export function hubFetch(settings: HubSettings, subject: Subject): typeof fetch {
  return retrying(settings, subject, (response) => Promise.resolve(response));
}

/**
 * A {@link hubFetch} for JSON. When it returns, the whole body has arrived and is valid JSON. A body that is cut off or gives no data
 * for `idleMs` is requested again, like a missing response.
 */
export function hubJson(settings: HubSettings, subject: Subject): typeof fetch {
  return retrying(settings, subject, (response) => wholeJson(response, settings, subject));
}

/** @param accept maps a successful response to the result, or to an error that causes a retry */
function retrying(settings: HubSettings, subject: Subject, accept: (response: Response) => Promise<Response | Error>): typeof fetch {
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    for (let failures = 1; ; failures++) {
      const answer = await attempt(settings, url, init);
      const result = answer instanceof Response && answer.ok ? await accept(answer) : answer;
      if (result instanceof Response && result.ok) return result;
      const fault = result instanceof Response ? await faultOf(result, subject, settings) : result instanceof HubUnreachableError ? result : unreachable(new URL(url).origin, result);
      if (!fault.retryable || failures === (subject.attempts ?? defaultAttempts)) throw fault;
      await waitToRetry(failures, result instanceof Response ? Number(result.headers.get('retry-after')) || 0 : 0);
    }
  };
}

async function wholeJson(response: Response, { idleMs }: HubSettings, subject: Subject): Promise<Response | Error> {
  const { status, headers } = response;
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of bodyOf(response, idleMs)) pieces.push(piece);
  } catch (error) {
    return error as Error;
  }
  const text = Buffer.concat(pieces).toString('utf8');
  if (text.trimStart().startsWith('<')) {
    throw new HubProtocolError({ where: describeRepository(subject), what: 'the hub answers with a web page instead of JSON', remedy: 'Check HF_ENDPOINT, and whether this network requires a sign-in' });
  }
  try {
    JSON.parse(text);
  } catch (error) {
    return new Error(`its response of ${text.length} characters is not complete JSON`, { cause: error });
  }
  return new Response(text, { status, headers });
}

async function attempt({ token, endpoint, idleMs }: HubSettings, url: string, init: RequestInit): Promise<Response | Error> {
  const headers = new Headers(init.headers);
  if (token !== undefined && new URL(url).origin === new URL(endpoint).origin) headers.set('Authorization', `Bearer ${token}`);
  const controller = new AbortController();
  const timer = setTimeout(() => { controller.abort(new Error(`no response for ${idleMs / 1000} s`)); }, idleMs);
  try {
    return await fetch(url, { ...init, headers, signal: init.signal ? AbortSignal.any([init.signal, controller.signal]) : controller.signal });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Yields the bytes of a response as they arrive. @throws HubUnreachableError if they end early or stop for `idleMs` */
export async function* bodyOf(response: Response, idleMs: number): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const idle = new Promise<never>((_, reject) => {
        timer = setTimeout(() => { reject(new Error(`no data arrived for ${idleMs / 1000} s`)); }, idleMs);
      });
      const next = await Promise.race([reader.read(), idle]).finally(() => { clearTimeout(timer); });
      if (next.done) return;
      yield next.value as Uint8Array;
    }
  } catch (error) {
    throw unreachable(new URL(response.url).origin, error);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The fault for an unsuccessful response. The header `x-error-code`, if present, is more precise than the status. */
async function faultOf(response: Response, subject: Subject, settings: HubSettings): Promise<Fault> {
  const { status } = response;
  const code = response.headers.get('x-error-code');
  await response.body?.cancel().catch(() => undefined);
  const where = describeRepository(subject);
  const page = `${settings.endpoint}/${subject.type === 'dataset' ? 'datasets/' : ''}${subject.repository}`;
  const given = settings.token === undefined ? 'no token was given' : 'the given token does not allow it';
  if (code === 'GatedRepo') {
    return new GatedRepositoryError({ where, what: `its conditions must be accepted first (${given})`, remedy: `Accept them on ${page}, then set HF_TOKEN to a token of that account` });
  }
  if (code === 'RepoNotFound' || (status === 404 && code === null && subject.path === undefined)) return repositoryNotFound(where, page);
  if (code === 'RevisionNotFound') {
    return new RevisionNotFoundError({ where, what: `the repository has no branch, tag or commit ${JSON.stringify(subject.revision)}`, remedy: `Correct revision; ${page}/commits has them` });
  }
  if (status === 404) {
    return new RepositoryFileNotFoundError({ where, what: `the repository has no file ${subject.path ?? ''}`, remedy: `See ${page}/tree/${subject.revision} for its files` });
  }
  if (status === 401) {
    const unknown = settings.token === undefined ? 'the repository is private, or does not exist (no token was given)' : 'the hub refuses the token';
    return new HubAccessError({ where, what: `${unknown} (401)`, remedy: `Check the name, and set HF_TOKEN to a valid token of an account that can see ${page}` });
  }
  if (status === 403) return new HubAccessError({ where, what: `access is refused (403; ${given})`, remedy: `Set HF_TOKEN to a token of an account that can ${subject.writes === true ? 'write to' : 'read'} ${page}` });
  if (status === 429 || status === 408 || status >= 500) {
    return new HubUnreachableError({ where: settings.endpoint, what: `the hub answers with status ${status} for ${where}`, remedy: 'This is retried automatically' });
  }
  return new HubProtocolError({ where, what: `the hub answers with status ${status}${code === null ? '' : ` (${code})`}`, remedy: 'Check HF_ENDPOINT' });
}

function repositoryNotFound(where: string, page: string): RepositoryNotFoundError {
  return new RepositoryNotFoundError({ where, what: 'the hub has no such repository, or this token cannot see it', remedy: `Correct the name; for a private repository set HF_TOKEN. Its page would be ${page}` });
}
