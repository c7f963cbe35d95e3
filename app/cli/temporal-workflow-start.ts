import { Command, CommanderError } from 'commander';
import { reportError } from './report-error.js';
import type { LockOptions } from './load-lock.js';
import { addGlobalOptions, globalOptions } from './options.js';

/** The real CLI's options for connecting to a server, and the environment variables that mean the same. */
const connectionOptions: readonly [flags: string, variable: string, description: string][] = [
  ['--address <host:port>', 'TEMPORAL_ADDRESS', 'server'],
  ['-n, --namespace <name>', 'TEMPORAL_NAMESPACE', 'namespace'],
  ['--profile <name>', 'TEMPORAL_PROFILE', 'profile of the configuration file'],
  ['--config-file <path>', 'TEMPORAL_CONFIG_FILE', 'configuration file'],
  ['--api-key <key>', 'TEMPORAL_API_KEY', 'API key'],
  ['--tls-cert-path <path>', 'TEMPORAL_TLS_CLIENT_CERT_PATH', 'client certificate'],
  ['--tls-key-path <path>', 'TEMPORAL_TLS_CLIENT_KEY_PATH', 'client key'],
  ['--tls-ca-path <path>', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH', "certificate of the authority that signed the server's"],
  ['--tls-server-name <name>', 'TEMPORAL_TLS_SERVER_NAME', 'expected name of the server'],
];

/** `temporal workflow start --pipeline FILE`, with the real CLI's options for connecting to a server. `onExit` gets its exit code. */
function startProgram(onExit: (code: number) => void): Command {
  const command = addGlobalOptions(new Command('temporal workflow start'))
    .usage('--pipeline <file> [options]')
    .description('Starts a pipeline on a running worker, prints workflow and run id, and returns.')
    .requiredOption('--pipeline <file>', 'pipeline file')
    .option('--locked [lock]', 'refuse anything that differs from a lock (default: NAME.lock.yaml next to NAME.yaml)')
    .option('--tls', 'use TLS')
    .option('-o, --output <format>', 'text or json')
    .exitOverride()
    .showHelpAfterError('(--help shows commands and options)');
  for (const [flags, variable, description] of connectionOptions) {
    command.option(flags, description).on(`option:${longName(flags)}`, (value: string) => (process.env[variable] = value));
  }
  command.on('option:tls', () => (process.env['TEMPORAL_TLS'] = 'true'));
  return command.action(async (own: LockOptions & { pipeline: string; output?: string }) => {
    const options = globalOptions(command);
    const { startCommand } = await import('./commands/start.js');
    onExit(await startCommand(own.pipeline, { ...options, json: options.json || own.output === 'json' }, own));
  });
}

/** Printed above the real CLI's help of `workflow start`. */
export function startHelp(): string {
  return `With a pipeline:\n\n${startProgram(() => undefined).helpInformation()}\nWith any other workflow, as the Temporal CLI says:\n\n`;
}

/** Runs `temporal workflow start --pipeline FILE`, prints what is wrong, and returns the exit code. */
export async function temporalWorkflowStart(words: readonly string[]): Promise<number> {
  let code = 0;
  try {
    await startProgram((exit) => (code = exit)).parseAsync(withoutName(words), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return await reportError(error, { json: words.includes('--json'), verbose: words.includes('--verbose') });
  }
}

function longName(flags: string): string {
  return /--([\w-]+)/.exec(flags)?.[1] ?? flags;
}

/** The words without `workflow start`, wherever it appears. */
function withoutName(words: readonly string[]): string[] {
  const position = words.findIndex((word, index) => word === 'workflow' && words[index + 1] === 'start');
  return words.filter((_, index) => index !== position && index !== position + 1);
}
