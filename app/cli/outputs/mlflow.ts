import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { rememberSecret } from '../../../errors/secrets.js';
import { digestOf } from '../../../files/artifacts/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { MlflowRefusesError, MlflowUnreachableError } from '../errors.js';
import { numbersOf } from './numbers.js';

export interface MlflowExport {
  /** Address of the tracking server. */
  url: string;
  experiment: string;
  workflowId: string;
  result: PipelineResult;
  /** Settings of the pipeline by their paths. */
  settings: Record<string, string>;
  /** When the run ended, in milliseconds since the epoch. */
  endedAt: number;
  /** Small files to show beside the numbers, if the server accepts files. */
  files: readonly string[];
}

export interface ExportedRun {
  runId: string;
  experimentId: string;
  url: string;
  /** False if the server already had the run. */
  isNew: boolean;
}

/** A server's limits for one call. */
const maxMetrics = 1000;
const maxParams = 100;
/** Time limit for an answer, in milliseconds. */
const timeoutMs = 30_000;

/** Tags that identify an exported run. */
const idTag = 'llm_barber.workflow_id';
const outcomeTag = 'llm_barber.outcome';

interface RunInfo {
  run_id: string;
  status: string;
  artifact_uri: string;
}

/**
 * Sends the numbers of a run to an MLflow tracking server through its REST API. Each run is sent only once: a second call finds the first
 * export, and continues it if it was interrupted.
 * @throws MlflowUnreachableError, MlflowRefusesError
 */
export async function exportToMlflow(request: MlflowExport, environment: NodeJS.ProcessEnv = process.env): Promise<ExportedRun> {
  const { workflowId, result, settings, endedAt, experiment } = request;
  const server = new Mlflow(request.url, environment);
  const experimentId = await server.experiment(experiment);
  const outcome = digestOf([result.configDigest, result.digests ?? null, result.perplexity, result.zeroShot ?? null] as never);
  const known = await server.find(experimentId, { [idTag]: workflowId, [outcomeTag]: outcome });
  const page = (runId: string): string => `${server.url}/#/experiments/${experimentId}/runs/${runId}`;
  if (known?.status === 'FINISHED') return { runId: known.run_id, experimentId, url: page(known.run_id), isNew: false };
  const startedAt = Math.round(endedAt - (result.spent ?? result.seconds.total) * 1000);
  const run = known ?? (await server.create({ experiment_id: experimentId, run_name: result.name, start_time: startedAt, tags: tags({ [idTag]: workflowId, [outcomeTag]: outcome, 'mlflow.source.name': 'llm-barber-pipeline' }) }));
  const { run_id: runId } = run;
  const metrics = numbersOf(result).map(({ name, value, layer }) => ({ key: allowed(name), value, timestamp: Math.round(endedAt), step: layer ?? 0 }));
  for (let first = 0; first < metrics.length; first += maxMetrics) await server.post('runs/log-batch', { run_id: runId, metrics: metrics.slice(first, first + maxMetrics) });
  const params = Object.entries({ ...settings, ...facts(result) }).map(([key, value]) => ({ key: allowed(key), value: value.slice(0, 500) }));
  for (let first = 0; first < params.length; first += maxParams) await server.post('runs/log-batch', { run_id: runId, params: params.slice(first, first + maxParams) });
  for (const file of request.files) await server.upload(run.artifact_uri, file);
  await server.post('runs/update', { run_id: runId, status: 'FINISHED', end_time: Math.round(endedAt) });
  return { runId, experimentId, url: page(runId), isNew: true };
}

function facts({ model, engine, pattern, configDigest }: PipelineResult): Record<string, string> {
  return {
    model: model.repo === undefined ? model.source : `${model.repo}@${model.revision ?? ''}`, family: model.family, parameters: String(model.parameters), prunable: String(model.prunable),
    pattern, engine: `${engine.backend} ${engine.version}`, device: engine.device, config_digest: configDigest,
  };
}

/** Replaces characters that MLflow does not allow in names. */
const allowed = (name: string): string => name.replace(/[^\w./ -]/g, '_').slice(0, 250);

const tags = (values: Record<string, string>): { key: string; value: string }[] => Object.entries(values).map(([key, value]) => ({ key, value }));

/** A client for a tracking server. Credentials come from the same environment variables as for MLflow's own clients. */
class Mlflow {
  readonly url: string;
  private readonly headers: Record<string, string>;

  constructor(url: string, environment: NodeJS.ProcessEnv) {
    this.url = url.replace(/\/+$/, '');
    const { MLFLOW_TRACKING_TOKEN: token = '', MLFLOW_TRACKING_USERNAME: user = '', MLFLOW_TRACKING_PASSWORD: password = '' } = environment;
    for (const secret of [token, password]) if (secret !== '') rememberSecret(secret);
    const authorization = token !== '' ? `Bearer ${token}` : user !== '' ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : undefined;
    this.headers = authorization === undefined ? {} : { Authorization: authorization };
  }

  /** Returns the id of an experiment. Creates the experiment if it does not exist. */
  async experiment(name: string): Promise<string> {
    const found = await this.ask('GET', `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`);
    if (found.status === 404) return ((await this.post('experiments/create', { name })) as { experiment_id: string }).experiment_id;
    return ((await this.answerOf(found)) as { experiment: { experiment_id: string } }).experiment.experiment_id;
  }

  async find(experimentId: string, wanted: Record<string, string>): Promise<RunInfo | undefined> {
    const filter = Object.entries(wanted).map(([key, value]) => `tags.\`${key}\` = '${value.replaceAll("'", '')}'`).join(' and ');
    const { runs = [] } = (await this.post('runs/search', { experiment_ids: [experimentId], filter, max_results: 1 })) as { runs?: { info: RunInfo }[] };
    return runs[0]?.info;
  }

  async create(run: object): Promise<RunInfo> {
    return ((await this.post('runs/create', run)) as { run: { info: RunInfo } }).run.info;
  }

  /** Uploads a file. Does nothing if the server does not store files itself, because then it does not accept them over HTTP. */
  async upload(artifactUri: string, file: string): Promise<void> {
    const [, place] = /^mlflow-artifacts:\/*(.+)$/.exec(artifactUri) ?? [];
    if (place === undefined) return;
    await this.answerOf(await this.call('PUT', `${this.url}/api/2.0/mlflow-artifacts/artifacts/${place}/${basename(file)}`, await readFile(file), 'application/octet-stream'));
  }

  async post(path: string, body: object): Promise<unknown> {
    return await this.answerOf(await this.ask('POST', path, body));
  }

  private async ask(method: string, path: string, body?: object): Promise<Response> {
    return await this.call(method, `${this.url}/api/2.0/mlflow/${path}`, body && JSON.stringify(body), 'application/json');
  }

  private async call(method: string, url: string, body: string | Uint8Array<ArrayBuffer> | undefined, type: string): Promise<Response> {
    try {
      return await fetch(url, { method, headers: { ...this.headers, ...(body !== undefined && { 'Content-Type': type }) }, ...(body !== undefined && { body }), signal: AbortSignal.timeout(timeoutMs) });
    } catch (cause) {
      throw new MlflowUnreachableError(this.url, cause);
    }
  }

  private async answerOf(response: Response): Promise<unknown> {
    const text = await response.text();
    if (!response.ok) throw new MlflowRefusesError(this.url, response.status, text);
    try {
      return JSON.parse(text === '' ? '{}' : text);
    } catch {
      throw new MlflowRefusesError(this.url, response.status, text);
    }
  }
}
