import type { InjectedSinks, RuntimeOptions } from '@temporalio/worker';
import { packageVersion } from '../../activities/package-version.js';
import type { RunSinks } from '../../workflows/run-end.js';
import { WorkerMetrics } from './worker-metrics.js';
import { serveHealth, type Health } from './health.js';
import type { WatchOptions } from './options.js';
import { Traces, withoutQuery } from './otlp.js';
import { otlpTargetOfEnvironment } from './otlp-target.js';
import { installRuntime, metricsExporter } from './telemetry.js';
import { tracedRun } from './trace.js';
import { Webhook } from './webhook.js';

/** Seconds without an answer from the Temporal server after which a worker is not ready. */
const longestSilence = 30;

/** How a worker reports to those who monitor it. */
export class WorkerMonitor {
  readonly metrics: WorkerMetrics;
  private readonly webhook: Webhook | undefined;
  private readonly traces: Traces | undefined;
  private answeredAt = performance.now();
  private state: Health['state'] = 'starting';
  private endHealth = (): void => undefined;

  /**
   * Installs the SDK's runtime, with an exporter of metrics if one is requested.
   * @param say called with lines that a person should know
   * @throws MetricsAddressError
   */
  constructor(
    private readonly options: WatchOptions,
    runtime: RuntimeOptions,
    private readonly say: (line: string) => void,
  ) {
    const target = { ...(options.metrics && { prometheus: options.metrics }), ...(options.otlp && { otlp: options.otlp }) };
    const metrics = metricsExporter(target);
    const installed = installRuntime({ ...runtime, telemetryOptions: { ...runtime.telemetryOptions, ...(metrics && { metrics }) } }, target);
    this.metrics = new WorkerMetrics(installed.metricMeter);
    const { webhook: url, webhookSecret: secret } = options;
    this.webhook = url === undefined ? undefined : new Webhook({ url, onFailure: say, ...(secret && { secret }) });
    const traces = otlpTargetOfEnvironment(packageVersion(), say);
    this.traces = traces && new Traces(traces, say);
  }

  /** For the worker that runs workflow code. */
  get sinks(): InjectedSinks<RunSinks> {
    return {
      runs: {
        ended: {
          fn: (_, run, parts) => {
            this.metrics.ended(run);
            this.webhook?.send(run);
            this.traces?.send(tracedRun(run, parts));
          },
        },
      },
    };
  }

  /** Starts to answer health checks. @param about called at each check for facts about the worker @throws HealthAddressError */
  async serveHealth(about: () => Pick<Health, 'taskQueue' | 'run'>): Promise<void> {
    const { health: address, metrics } = this.options;
    if (metrics !== undefined) this.say(`Metrics: http://${metrics}/metrics`);
    if (this.traces !== undefined) this.say(`Traces: ${withoutQuery(this.traces.target.url)}`);
    if (address === undefined) return;
    const { url, end } = await serveHealth(address, () => {
      const serverSilence = Math.round((performance.now() - this.answeredAt) / 100) / 10;
      return { ready: this.state === 'serving' && serverSilence < longestSilence, state: this.state, ...about(), serverSilence };
    });
    this.endHealth = end;
    this.say(`Health: ${url}/healthz, ${url}/readyz`);
  }

  setState(state: Health['state']): void {
    this.state = state;
  }

  serverAnswered(): void {
    this.answeredAt = performance.now();
  }

  /** Waits until all messages are sent. */
  async end(): Promise<void> {
    this.endHealth();
    await Promise.all([this.webhook?.settle(), this.traces?.settle()]);
  }
}
