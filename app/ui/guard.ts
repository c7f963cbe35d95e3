/**
 * Controls who may use the page. It is on loopback, but everybody on this machine, and every page in this person's browser, can send
 * requests to loopback.
 *
 * - A request must name this page's own address as its host, so that no other name leads here (DNS rebinding).
 * - The address that the command prints contains the token of the process. The token becomes a cookie that other sites cannot send.
 * - A request that changes something must also come from this page: with its origin, and with a second token from its forms.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

export interface Guard {
  /** For the address that the person receives. */
  token: string;
  /** For the forms of the pages. */
  formToken: string;
  check: MiddlewareHandler;
}

/** What pages may load and do: only content from this server, and no script except our file. */
const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "style-src-attr 'unsafe-inline'", "img-src data:", "connect-src 'self'", "frame-src 'self'",
  "form-action 'self'", "base-uri 'none'", "frame-ancestors 'self'",
].join('; ');

const headers: Record<string, string> = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** @param port called for each request, because the port is not known before the server listens */
export function newGuard(port: () => number): Guard {
  const [token, formToken] = [newToken(), newToken()];
  const check: MiddlewareHandler = async (c, next) => {
    const refusal = await refuse(c, { token, formToken, port: port() });
    if (refusal !== undefined) return withHeaders(refusal);
    const asked = c.req.query('token');
    if (asked !== undefined && c.req.method === 'GET') {
      // All ports of loopback share their cookies, so the name contains the port.
      setCookie(c, cookieName(port()), token, { httpOnly: true, sameSite: 'Strict', path: '/' });
      return withHeaders(c.redirect(withoutToken(c.req.url), 303));
    }
    await next();
    c.res = withHeaders(c.res);
  };
  return { token, formToken, check };
}

const newToken = (): string => randomBytes(24).toString('base64url');
const cookieName = (port: number): string => `llm-barber-ui-${port}`;

function withHeaders(response: Response): Response {
  const own = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) own.headers.set(name, value);
  if (!own.headers.has('content-security-policy')) own.headers.set('content-security-policy', policy);
  return own;
}

interface Secrets {
  token: string;
  formToken: string;
  port: number;
}

/** Returns undefined if the request may pass. */
async function refuse(c: Context, { token, formToken, port }: Secrets): Promise<Response | undefined> {
  const host = c.req.header('host') ?? '';
  if (![`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host)) return c.text('Wrong host name. Open the address that the command printed.\n', 421);
  const shown = c.req.method === 'GET' ? c.req.query('token') : undefined;
  if (!isSame(shown ?? getCookie(c, cookieName(port)) ?? '', token)) return c.text('No valid token. Open the address that the command printed, with its token.\n', 403);
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return undefined;
  const site = c.req.header('sec-fetch-site');
  if (c.req.header('origin') !== `http://${host}` || (site !== undefined && site !== 'same-origin')) return c.text('The request did not come from this page.\n', 403);
  const { token: given } = await c.req.parseBody();
  return isSame(typeof given === 'string' ? given : '', formToken) ? undefined : c.text('The page is older than the command that serves it. Reload it.\n', 403);
}

/** Takes the same time for every wrong token. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function withoutToken(address: string): string {
  const url = new URL(address);
  url.searchParams.delete('token');
  // Two leading slashes would name another host.
  return `${url.pathname.replace(/^\/+/, '/')}${url.search}`;
}
