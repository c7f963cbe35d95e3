/**
 * Runs command lines inside the test's own process. Tests of process behaviour (signals, closed pipes and so on) need
 * `run-program.ts`. Every call has its own environment and output streams, also if several run at once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { runCommandLine } from '../../../app/cli/main.js';
import { plainEnvironment, type Ended } from './run-program.js';

interface Call {
  env: NodeJS.ProcessEnv;
  stdout: string;
  stderr: string;
}

const calls = new AsyncLocalStorage<Call>();
let running = 0;

function capture(name: 'stdout' | 'stderr'): void {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...parameters: unknown[]) => boolean;
  stream.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    const call = calls.getStore();
    if (call === undefined) return write(chunk, ...rest);
    call[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    for (const callback of rest) if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
}
capture('stdout');
capture('stderr');

let own = process.env;
Object.defineProperty(process, 'env', {
  configurable: true,
  enumerable: true,
  get: () => calls.getStore()?.env ?? own,
  set: (environment: NodeJS.ProcessEnv) => (own = environment),
});

/**
 * Runs a command line of `temporal-pipeline`.
 * @param options `env` is added to an environment without Temporal's and our own settings. `cwd` changes the folder of the whole
 * process, so such a call must run alone.
 */
export async function runCommand(words: readonly string[], { env = {}, cwd }: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Promise<Ended> {
  if (cwd !== undefined && running > 0) throw new Error('a command with its own folder cannot run while another one is running');
  const call: Call = { env: { ...plainEnvironment, ...env }, stdout: '', stderr: '' };
  const before = process.cwd();
  running += 1;
  if (cwd !== undefined) process.chdir(cwd);
  try {
    const code = await calls.run(call, () => runCommandLine(words));
    return { code, signal: null, stdout: call.stdout, stderr: call.stderr };
  } finally {
    running -= 1;
    if (cwd !== undefined) process.chdir(before);
  }
}
