import { spawn } from 'node:child_process';
import { setUpCommand } from '#setup/paths.mjs';
import { runningServer, serverAddress } from './local/server-record.js';
import { resolveState } from './state.js';
import { findTemporalCli } from './temporal-cli.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Options of the real CLI that name a server, or name a place that does. */
const namingOptions = ['--address', '--profile', '--env', '--env-file', '--config-file'];

/**
 * Passes a command line to the real Temporal CLI unchanged, with the same streams, exit code and signals. If nothing names a server and
 * this state's local server runs, the CLI connects to that one.
 */
export async function passThrough(words: readonly string[]): Promise<void> {
  const cli = await findTemporalCli();
  if (cli === undefined) {
    process.stderr.write(`There is no Temporal CLI on this machine. Run \`${setUpCommand}\`, or put the real \`temporal\` on the PATH.\n`);
    process.exitCode = 127;
    return;
  }
  const child = spawn(cli, words, { stdio: 'inherit', env: { ...process.env, ...(await localAddress(words)) } });
  // A terminal sends Ctrl-C to both processes. Do not send it to the child again.
  const forward = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  await new Promise<void>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${cli} cannot be started: ${error.message}\n`);
      process.exitCode = 126;
      resolve();
    });
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      if (signal === null) process.exitCode = code ?? 1;
      else process.kill(process.pid, signal);
      resolve();
    });
  });
}

async function localAddress(words: readonly string[]): Promise<{ TEMPORAL_ADDRESS?: string }> {
  const names = words.some((word) => namingOptions.some((option) => word === option || word.startsWith(`${option}=`)));
  if (names || words[0] === 'server') return {};
  const server = await runningServer(resolveState(undefined));
  return server === undefined || (await environmentNamesServer()) ? {} : { TEMPORAL_ADDRESS: serverAddress(server) };
}

/** If the settings are not valid, the real CLI reports it. */
async function environmentNamesServer(): Promise<boolean> {
  // Loaded only now, because Temporal's reader of these settings is large, and usually no local server runs.
  const { connectionFromEnvironment } = await import('./connection.js');
  try {
    return connectionFromEnvironment() !== undefined;
  } catch {
    return true;
  }
}
