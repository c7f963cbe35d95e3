import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  events?: { timeUnixNano: string; name: string }[];
  status?: { code: number; message?: string };
}
export interface ReceivedTrace {
  resource: Attribute[];
  scope: { name: string; version: string };
  spans: ReceivedSpan[];
}

interface Sent {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { scope: ReceivedTrace['scope']; spans: ReceivedSpan[] }[] }[];
}

/** Reads a request by OTLP's specification. Expects one resource and one scope, because one run is one trace. */
export function readTrace(text: string): ReceivedTrace {
  const [{ resource, scopeSpans: [{ scope, spans }] }] = (JSON.parse(text) as Sent).resourceSpans;
  return { resource: resource.attributes, scope, spans };
}

/** Returns the value of an attribute as a JavaScript value; integers as bigint. */
export function attributeOf(attributes: readonly Attribute[], key: string): unknown {
  const value = attributes.find((one) => one.key === key)?.value;
  return value?.['stringValue'] ?? value?.['boolValue'] ?? value?.['doubleValue'] ?? (typeof value?.['intValue'] === 'string' ? BigInt(value['intValue']) : undefined);
}

/** Returns the violations of opentelemetry-proto 1 and its JSON encoding in a trace; empty if there are none. */
export function traceFaults({ resource, spans }: ReceivedTrace): string[] {
  const faults: string[] = [];
  const must = (holds: boolean, what: string): void => void (holds || faults.push(what));
  const isNano = (text: unknown): text is string => typeof text === 'string' && /^[1-9]\d{17,18}$/.test(text);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  must(byId.size === spans.length, 'span ids are not unique');
  must(new Set(spans.map(({ traceId }) => traceId)).size === 1, 'not one trace');
  must(spans.filter(({ parentSpanId }) => parentSpanId === undefined).length === 1, 'not one root');
  must(typeof attributeOf(resource, 'service.name') === 'string', 'no service.name');
  for (const { traceId, spanId, parentSpanId, name, kind, startTimeUnixNano: start, endTimeUnixNano: end, attributes, events = [], status } of spans) {
    must(/^[0-9a-f]{32}$/.test(traceId) && /[^0]/.test(traceId), `${name}: trace id ${traceId}`);
    must(/^[0-9a-f]{16}$/.test(spanId) && /[^0]/.test(spanId), `${name}: span id ${spanId}`);
    must(name !== '' && kind >= 1 && kind <= 5, `${name}: name or kind`);
    if (!isNano(start) || !isNano(end)) {
      faults.push(`${name}: times ${start}, ${end}`);
      continue;
    }
    must(BigInt(start) <= BigInt(end), `${name}: it ends before it begins`);
    for (const { timeUnixNano: at } of events) must(isNano(at) && BigInt(at) >= BigInt(start) && BigInt(at) <= BigInt(end), `${name}: event at ${at}`);
    must(status === undefined || [0, 1, 2].includes(status.code), `${name}: status`);
    if (parentSpanId !== undefined) {
      const parent = byId.get(parentSpanId);
      must(parent !== undefined && BigInt(parent.startTimeUnixNano) <= BigInt(start) && BigInt(end) <= BigInt(parent.endTimeUnixNano), `${name}: it is not within its parent`);
    }
    must(new Set(attributes.map(({ key }) => key)).size === attributes.length, `${name}: attributes twice`);
  }
  for (const { key, value } of [...resource, ...spans.flatMap(({ attributes }) => attributes)]) {
    const [[kind, held] = ['', undefined], ...more] = Object.entries(value);
    const good: Record<string, boolean> = { stringValue: typeof held === 'string', boolValue: typeof held === 'boolean', doubleValue: Number.isFinite(held), intValue: typeof held === 'string' && /^-?\d+$/.test(held) };
    must(good[kind] && more.length === 0, `attribute ${key}`);
  }
  return faults;
}

/** An OTLP receiver over HTTP. */
export class OtlpReceiver {
  private readonly arrivals = new EventEmitter();
  readonly traces: ReceivedTrace[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  /** Answers to the next requests. Without any left, requests are accepted. */
  readonly answers: { status: number; body?: string }[] = [];
  private server: Server | undefined;

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        const isOtlp = request.method === 'POST' && request.url === '/v1/traces' && request.headers['content-type'] === 'application/json';
        const { status, body = '{}' } = !isOtlp ? { status: 404 } : (this.answers.shift() ?? { status: 200 });
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
        this.headers.push(request.headers);
        if (status !== 200) return;
        const trace = readTrace(Buffer.concat(parts).toString());
        this.traces.push(trace);
        this.arrivals.emit('trace');
      });
    }).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Waits for `count` traces and returns the first ones. */
  async first(count: number): Promise<ReceivedTrace[]> {
    while (this.traces.length < count) await once(this.arrivals, 'trace');
    return this.traces.slice(0, count);
  }

  stop(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }
}
