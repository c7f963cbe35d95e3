import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { rememberSecret } from '../../errors/secrets.js';

/** Settings of the hub from the environment, in the same variables that huggingface_hub reads. */
export interface HubSettings {
  /** `HF_ENDPOINT` without a trailing slash. */
  endpoint: string;
  /** `HF_HUB_CACHE`, else `hub` in `HF_HOME`. Absolute. */
  cache: string;
  /** `HF_TOKEN`, else the content of `HF_TOKEN_PATH` (or of `token` in `HF_HOME`). */
  token?: string;
  /** `HF_HUB_OFFLINE` (or `TRANSFORMERS_OFFLINE`): no requests to the hub. */
  offline: boolean;
  /** Milliseconds without a byte after which a connection counts as cut: `HF_HUB_DOWNLOAD_TIMEOUT` (seconds). */
  idleMs: number;
}

const defaultIdleSeconds = 30;

/** Reads the environment. A missing token file means no token. */
export function hubSettings(environment: NodeJS.ProcessEnv = process.env): HubSettings {
  const valueOf = (...names: string[]): string | undefined => names.map((name) => environment[name]).find((value) => value !== undefined && value !== '');
  const home = folder(valueOf('HF_HOME') ?? join(valueOf('XDG_CACHE_HOME') ?? '~/.cache', 'huggingface'));
  const token = (valueOf('HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN') ?? tokenIn(folder(valueOf('HF_TOKEN_PATH') ?? join(home, 'token'))))?.trim();
  if (token !== undefined) rememberSecret(token);
  const seconds = Number(valueOf('HF_HUB_DOWNLOAD_TIMEOUT'));
  return {
    endpoint: (valueOf('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, ''),
    cache: folder(valueOf('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub')),
    ...(token !== undefined && token !== '' && { token }),
    offline: ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].some((name) => /^(1|on|yes|true)$/i.test(environment[name] ?? '')),
    idleMs: (seconds > 0 ? seconds : defaultIdleSeconds) * 1000,
  };
}

function folder(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : resolve(path);
}

function tokenIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
