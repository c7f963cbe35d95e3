import { readFileSync } from 'node:fs';

/** The metrics of a worker and the values of their labels, as recorded from a real Prometheus by `tools/prometheus/check.mjs --write`. */
export const servedMetrics = JSON.parse(readFileSync('test/golden/prometheus/served.json', 'utf8')) as Record<string, { type: string; labels: Record<string, string[]> }>;
