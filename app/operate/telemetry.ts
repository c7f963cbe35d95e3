import { Runtime, type RuntimeOptions } from '@temporalio/worker';
import { MetricsAddressError } from '../cli/errors.js';

type MetricsExporter = NonNullable<NonNullable<RuntimeOptions['telemetryOptions']>['metrics']>;

/** Where a worker's metrics go. Without a target they go nowhere. */
export interface MetricsTarget {
  /** Address on which Prometheus finds `/metrics`, such as `127.0.0.1:9464`. */
  prometheus?: string;
  /** OTLP endpoint of an OpenTelemetry collector: `http://host:4317` (gRPC), or `http://host:4318/v1/metrics`. */
  otlp?: string;
}

/** Bounds in seconds. The SDK's own bounds end at 10, but a decoder layer of a large model takes minutes to hours. */
const seconds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];
const histogramBucketOverrides = { llm_barber_unit_seconds: seconds, llm_barber_queue_seconds: seconds };

/** The SDK's exporter for a target; undefined if there is no target. */
export function metricsExporter({ prometheus, otlp }: MetricsTarget): MetricsExporter | undefined {
  const temporality = 'cumulative' as const;
  if (prometheus !== undefined) return { prometheus: { bindAddress: prometheus, useSecondsForDurations: true, countersTotalSuffix: true, histogramBucketOverrides } };
  // OTLP over HTTP has a path, OTLP over gRPC does not.
  if (otlp !== undefined) return { otel: { url: otlp, http: new URL(otlp).pathname.length > 1, useSecondsForDurations: true, temporality, histogramBucketOverrides } };
  return undefined;
}

/** Installs the SDK's runtime. @throws MetricsAddressError if the address for Prometheus cannot be used */
export function installRuntime(options: RuntimeOptions, { prometheus }: MetricsTarget): Runtime {
  try {
    return Runtime.install(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (prometheus === undefined || !/address|prometheus|bind/i.test(reason)) throw error;
    throw new MetricsAddressError(prometheus, reason);
  }
}
