/** What the live view serves, and which requests it refuses. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formTokenOf, startLiveServer, type LiveServer } from './live-server.js';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer('ui-routes');
});
afterAll(() => server.close());

/** Returns the status for a request with any `Host` header; `fetch` always sets its own. */
function statusFor(host: string): Promise<number | undefined> {
  const { port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: `/?token=${server.token}`, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject).end();
  });
}

describe('access to the page', () => {
  it.each(['/', '/events', '/runs/x', '/runs/x/events', '/runs/x/files/report.html', '/compare?run=a&run=b', '/style.css', '/ui.js'])('is refused without the token: %s', async (at) => {
    for (const query of ['', '?token=', '?token=wrong']) expect((await fetch(`${server.origin}${at.split('?')[0]}${query}`)).status).toBe(403);
  });

  it('turns the token into a cookie that no other site can send, and removes it from the address', async () => {
    const answer = await fetch(server.address.replace('/?', '/?model=a&'), { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/?model=a');
    expect(answer.headers.get('set-cookie')).toMatch(new RegExp(`^llm-barber-ui-\\d+=${server.token}; Path=/; HttpOnly; SameSite=Strict$`));
    const elsewhere = await fetch(`${server.origin}//example.org/?token=${server.token}`, { redirect: 'manual' });
    expect(elsewhere.headers.get('location') ?? '').not.toMatch(/^\/\//);
  });

  it('is refused under another host name', async () => {
    const { port } = new URL(server.origin);
    expect(await statusFor(`127.0.0.1:${port}`)).toBe(303);
    expect(await statusFor(`localhost:${port}`)).toBe(303);
    for (const host of [`attacker.example:${port}`, '127.0.0.1', `127.0.0.1:${Number(port) + 1}`, `127.0.0.1.attacker.example:${port}`]) expect(await statusFor(host)).toBe(421);
  });

  it('forbids foreign content', async () => {
    const { headers } = await server.get('/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).not.toMatch(/script-src[^;]*unsafe|\*|https?:/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a run', () => {
  let page: string;
  beforeAll(async () => {
    page = await server.start('guarded');
  });

  it('can be changed only by a form on its page', async () => {
    const token = await formTokenOf(server, page);
    expect(token).not.toBe('');
    expect((await server.post(`${page}/pause`, { token: 'wrong' })).status).toBe(403);
    expect((await server.post(`${page}/pause`, { token: server.token })).status).toBe(403);
    expect((await server.post(`${page}/pause`, { token }, { origin: 'http://attacker.example' })).status).toBe(403);
    expect((await server.post(`${page}/pause`, { token }, { origin: 'null' })).status).toBe(403);
    expect((await server.post(`${page}/pause`, { token }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await server.post(`${page}/pause`, { token }, { cookie: '' })).status).toBe(403);
    expect((await server.get(`${page}/pause`)).status).toBe(404);
    expect((await server.post(`${page}/destroy`, { token })).status).toBe(404);
    expect((await server.post('/runs/unknown/pause', { token })).status).toBe(404);
    const { events } = await server.client.workflow.getHandle('guarded').fetchHistory();
    expect(events?.filter(({ workflowExecutionSignaledEventAttributes: signal }) => signal)).toEqual([]);

    const done = await server.post(`${page}/pause`, { token });
    expect([done.status, done.headers.get('location')]).toEqual([303, page]);
    const said = await server.post(`${page}/resume`, { token }, { accept: 'application/json' });
    expect(await said.json()).toEqual({ said: 'Resumed.' });
    const refused = await server.post(`${page}/retry`, { token }, { accept: 'application/json' });
    expect([refused.status, await refused.json()]).toEqual([409, { said: expect.stringContaining('is running') as string }]);
  });

  it('refuses a form that is too long, and an invalid address', async () => {
    expect((await server.post(`${page}/pause`, { token: 'x'.repeat(100_000) })).status).toBe(413);
    expect((await server.get('/runs/%')).status).toBeLessThan(500);
    expect((await server.get('/nothing')).status).toBe(404);
  });

  it('sends all of its parts first, then changes', async () => {
    const answer = await server.get(`${page}/events`);
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const events = eventsOf(answer);
    const parts = new Map<string, string>();
    let pushed = false;
    for await (const { event, data } of events) {
      if (event !== 'part') continue;
      const { id, html } = JSON.parse(data) as { id: string; html: string };
      parts.set(id, html);
      if (parts.has('errors') && !pushed) {
        expect(parts.get('errors')).toContain('The chart starts with the first rebuilt layer');
        pushed = true;
        server.allow(1);
      }
      if (id === 'errors' && html.includes('1 of 2 layers')) break;
    }
    expect([...parts.keys()].sort()).toEqual(['controls', 'costs', 'errors', 'happened', 'head', 'notice', 'numbers', 'stages']);
    expect(parts.get('errors')).toContain('<svg');
    expect(parts.get('numbers')).toContain('-50 %');
    // Reloading the page shows the same.
    expect(await (await server.get(page)).text()).toContain('1 of 2 layers');
    server.allow(2);
    await server.client.workflow.getHandle('guarded').result();
    expect(await (await server.get(page)).text()).toContain('2 of 2 layers');
  });
});

describe('names with markup', () => {
  const hostile = '"><script>alert(1)</script>\u202Egnp';

  it('stay text everywhere', async () => {
    server.allow(2);
    const page = await server.start(hostile, { model: { source: '<img src=x onerror=alert(2)>' }, name: `<script>alert(3)</script>` });
    await server.client.workflow.getHandle(hostile).result();
    for (const at of ['/', `/?model=${encodeURIComponent('"><script>alert(4)</script>')}&name=${encodeURIComponent('"><script>alert(5)</script>')}`, '/?name=script', page, `${page}?live`]) {
      const text = await (await server.get(at)).text();
      expect(text).not.toMatch(/<script(?! src="\/ui\.js")/);
      expect(text).not.toMatch(/<img/);
      if (at === page || at.endsWith('=script')) expect(text).toContain('&lt;script&gt;alert(3)');
    }
  });
});

describe('files of a run', () => {
  it('are served from its folder only, and cannot run scripts', async () => {
    const folder = path.join(server.state, 'runs', 'guarded');
    mkdirSync(path.join(folder, 'checkpoint'), { recursive: true });
    writeFileSync(path.join(folder, 'report.html'), '<script>alert(1)</script>');
    writeFileSync(path.join(folder, 'checkpoint', 'model.safetensors'), 'weights');
    writeFileSync(path.join(server.state, 'secret'), 'secret');
    symlinkSync(path.join(server.state, 'secret'), path.join(folder, 'link'));
    const report = await server.get('/runs/guarded/files/report.html');
    expect(report.headers.get('content-security-policy')).toMatch(/^sandbox allow-downloads allow-same-origin; default-src 'none';/);
    const weights = await server.get('/runs/guarded/files/checkpoint/model.safetensors');
    expect([await weights.text(), weights.headers.get('content-disposition'), weights.headers.get('content-length')]).toEqual(['weights', 'attachment', '7']);
    for (const name of ['link', '../../secret', '..%2f..%2fsecret', '%2e%2e/%2e%2e/secret', 'checkpoint', 'missing', '%00']) expect((await server.get(`/runs/guarded/files/${name}`)).status).toBe(404);
    for (const id of ['..', '%2e%2e', '..%2f', '.']) expect((await server.get(`/runs/${id}/files/secret`)).status).toBe(404);
    expect(await (await server.get('/runs/guarded')).text()).toContain('<iframe src="/runs/guarded/files/report.html"');
  });
});

interface Sent {
  event: string;
  data: string;
}

async function* eventsOf({ body }: Response): AsyncGenerator<Sent> {
  let text = '';
  for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      const of = (name: string): string => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join('\n');
      text = text.slice(end + 2);
      yield { event: of('event'), data: of('data') };
    }
  }
}
