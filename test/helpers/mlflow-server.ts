import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface MlflowRun {
  info: { run_id: string; experiment_id: string; status: string; artifact_uri: string; run_name: string };
  tags: Record<string, string>;
  params: Record<string, string>;
  metrics: { key: string; value: number; step: number }[];
}
interface Sent {
  name?: string; experiment_id?: string; run_name?: string; tags?: { key: string; value: string }[]; filter?: string; run_id?: string; status?: string;
  metrics?: { key: string; value: number; step: number; timestamp: number }[]; params?: { key: string; value: string }[];
}

/** The part of MLflow's REST interface that an export uses, with requests and answers as observed with MLflow 3. */
export class MlflowServer {
  readonly experiments = new Map<string, string>();
  readonly runs: MlflowRun[] = [];
  readonly files = new Map<string, string>();
  /** If set, calls whose path matches get this status. */
  refuse: { path: RegExp; status: number } | undefined;
  private server: Server | undefined;

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        const { status, body } = this.answer(request.method ?? '', new URL(request.url ?? '/', 'http://mlflow'), Buffer.concat(parts).toString());
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
      });
    }).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private answer(method: string, { pathname, searchParams }: URL, text: string): { status: number; body: object } {
    if (this.refuse?.path.test(pathname) === true) return { status: this.refuse.status, body: { error_code: 'REFUSED' } };
    if (method === 'PUT') {
      this.files.set(pathname.replace('/api/2.0/mlflow-artifacts/artifacts/', ''), text);
      return { status: 200, body: {} };
    }
    const sent = (text === '' ? {} : JSON.parse(text)) as Sent;
    const run = this.runs.find(({ info }) => info.run_id === sent.run_id);
    switch (`${method} ${pathname.replace('/api/2.0/mlflow/', '')}`) {
      case 'GET experiments/get-by-name': {
        const id = this.experiments.get(searchParams.get('experiment_name') ?? '');
        return id === undefined ? { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } } : { status: 200, body: { experiment: { experiment_id: id } } };
      }
      case 'POST experiments/create':
        this.experiments.set(sent.name ?? '', String(this.experiments.size + 1));
        return { status: 200, body: { experiment_id: String(this.experiments.size) } };
      case 'POST runs/search': {
        const wanted = [...(sent.filter ?? '').matchAll(/tags\.`([^`]+)` = '([^']*)'/g)];
        const found = this.runs.find(({ tags }) => wanted.length > 0 && wanted.every(([, key, value]) => tags[key] === value));
        return { status: 200, body: found === undefined ? {} : { runs: [found] } };
      }
      case 'POST runs/create': {
        const id = `run${this.runs.length}`;
        const info = { run_id: id, experiment_id: sent.experiment_id ?? '', status: 'RUNNING', artifact_uri: `mlflow-artifacts:/1/${id}/artifacts`, run_name: sent.run_name ?? '' };
        this.runs.push({ info, tags: Object.fromEntries((sent.tags ?? []).map(({ key, value }) => [key, value])), params: {}, metrics: [] });
        return { status: 200, body: { run: { info } } };
      }
      case 'POST runs/log-batch':
        if (run === undefined || (sent.params?.length ?? 0) > 100 || (sent.metrics?.length ?? 0) > 1000) return { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } };
        run.metrics.push(...(sent.metrics ?? []));
        for (const { key, value } of sent.params ?? []) run.params[key] = value;
        return { status: 200, body: {} };
      case 'POST runs/update':
        if (run !== undefined) run.info.status = sent.status ?? '';
        return { status: 200, body: {} };
      default:
        return { status: 404, body: { error_code: 'ENDPOINT_NOT_FOUND' } };
    }
  }
}
