import { rememberSecret } from '../../errors/secrets.js';
import type { ResourceAttributes } from './trace.js';

/** Where traces are sent, with the headers and the description of the sender. */
export interface OtlpTarget {
  /** The address for `POST`, such as `http://collector:4318/v1/traces`. */
  url: string;
  headers: Record<string, string>;
  resource: ResourceAttributes;
}

const path = '/v1/traces';
/** Names of headers whose values are credentials. Others hold ordinary words, such as the name of a tenant. */
const credential = /auth|cookie|token|key|secret|password/i;

/**
 * Returns the target for the address of a receiver. The address may already include `/v1/traces`. Headers and the sender's description
 * come from OpenTelemetry's environment variables.
 */
export function otlpTarget(address: string, version: string, environment: NodeJS.ProcessEnv = process.env): OtlpTarget {
  const url = new URL(address);
  const pathname = url.pathname.replace(/\/+$/, '');
  url.pathname = pathname.endsWith(path) ? pathname : pathname + path;
  return targetOf(url.href, version, environment);
}

/**
 * Returns the target that OpenTelemetry's variables name: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, which is used unchanged, or
 * `OTEL_EXPORTER_OTLP_ENDPOINT`, to which `/v1/traces` is added. Undefined if neither is set, or if the variables turn traces off.
 * @param say called with the reason if the variables' target cannot be used. Nothing is thrown, so that the worker still works
 */
export function otlpTargetOfEnvironment(version: string, say: (line: string) => void, environment: NodeJS.ProcessEnv = process.env): OtlpTarget | undefined {
  const value = (name: string): string => environment[name]?.trim() ?? '';
  const own = value('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const variable = own === '' ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const address = value(variable);
  const exporter = value('OTEL_TRACES_EXPORTER');
  if (address === '' || value('OTEL_SDK_DISABLED').toLowerCase() === 'true' || (exporter !== '' && exporter !== 'otlp')) return undefined;
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    say(`No traces are sent: ${variable} is not an address such as http://collector:4318.`);
    return undefined;
  }
  const { username, password } = new URL(address);
  if (username !== '' || password !== '') {
    say(`No traces are sent: the address in ${variable} contains a user name or a password. Set OTEL_EXPORTER_OTLP_HEADERS instead.`);
    return undefined;
  }
  if ((value('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') || value('OTEL_EXPORTER_OTLP_PROTOCOL')) === 'grpc') {
    say('No traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL asks for gRPC, and traces go over HTTP only. Set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json.');
    return undefined;
  }
  return own === '' ? otlpTarget(address, version, environment) : targetOf(address, version, environment);
}

function targetOf(url: string, version: string, environment: NodeJS.ProcessEnv): OtlpTarget {
  const headers = pairs(environment['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] || environment['OTEL_EXPORTER_OTLP_HEADERS']);
  for (const [name, text] of Object.entries(headers)) {
    if (credential.test(name)) for (const secret of [text, encodeURIComponent(text), text.replace(/^\w+ +/, '')]) rememberSecret(secret);
  }
  const named = pairs(environment['OTEL_RESOURCE_ATTRIBUTES']);
  const service = environment['OTEL_SERVICE_NAME'] || named['service.name'] || 'llm-barber-pipeline';
  return { url, headers, resource: { ...named, 'service.name': service, 'service.version': version } };
}

/** Parses `key=value,key=value`, where values may be percent-encoded. Parts without `=` are ignored, as OpenTelemetry specifies. */
function pairs(text = ''): Record<string, string> {
  return Object.fromEntries(text.split(',').flatMap((pair) => {
    const [key = '', ...rest] = pair.split('=');
    return key.trim() === '' || rest.length === 0 ? [] : [[key.trim(), decoded(rest.join('=').trim())]];
  }));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
