import { readFileSync } from 'node:fs';

/** What a worker serves as a real Prometheus has seen it, by `tools/prometheus/check.mjs --write`: our metrics, and the values of their labels. */
export const servedMetrics = JSON.parse(readFileSync('test/golden/prometheus/served.json', 'utf8')) as Record<string, { type: string; labels: Record<string, string[]> }>;
