import { CommandLineError } from '../cli/errors.js';
import { rememberSecret } from '../../errors/secrets.js';
import { parseAddress } from './health.js';

/** Options of `worker` for monitoring. */
export interface WatchFlags {
  metrics?: string;
  otlp?: string;
  health?: string;
  webhook?: string;
}

/** How a worker is monitored. Absent options are off. */
export interface WatchOptions extends WatchFlags {
  /** Signs the messages of the webhook. */
  webhookSecret?: string;
}

/**
 * Returns the options, with the environment's variables as defaults.
 * @throws CommandLineError, HealthAddressError
 */
export function watchOptions(flags: WatchFlags, environment: NodeJS.ProcessEnv = process.env): WatchOptions {
  const value = (flag: string | undefined, variable: string): string | undefined => flag ?? (environment[variable] || undefined);
  const metrics = value(flags.metrics, 'LLM_BARBER_METRICS');
  const otlp = value(flags.otlp, 'LLM_BARBER_OTLP');
  const health = value(flags.health, 'LLM_BARBER_HEALTH');
  const webhook = value(flags.webhook, 'LLM_BARBER_WEBHOOK');
  const webhookSecret = value(undefined, 'LLM_BARBER_WEBHOOK_SECRET');
  if (metrics !== undefined && otlp !== undefined) throw new CommandLineError({ what: 'metrics cannot go to Prometheus and to a collector at once', expected: '--metrics or --otlp', remedy: 'Leave one out, or let the collector scrape /metrics' });
  if (metrics !== undefined) parseAddress(metrics, '--metrics');
  if (health !== undefined) parseAddress(health, '--health');
  if (otlp !== undefined) checkUrl(otlp, '--otlp');
  if (webhook !== undefined) checkUrl(webhook, '--webhook');
  if (webhookSecret !== undefined) rememberSecret(webhookSecret);
  return { ...(metrics && { metrics }), ...(otlp && { otlp }), ...(health && { health }), ...(webhook && { webhook }), ...(webhookSecret && { webhookSecret }) };
}

/** @throws CommandLineError, which does not quote the address: it may hold a secret */
export function checkUrl(url: string, option: string): void {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) {
    const { username, password } = new URL(url);
    if (username === '' && password === '') return;
    throw new CommandLineError({ where: option, what: 'the address contains a user name or a password', expected: 'an address without them', remedy: 'Leave them out' });
  }
  throw new CommandLineError({ where: option, what: 'this is not an address', expected: 'http://... or https://...', remedy: 'Correct it' });
}
