import { Command, CommanderError, Option } from 'commander';
import type { CodecFlags } from './commands/codec.js';
import type { CompareOptions } from './commands/compare.js';
import type { ListOptions } from './commands/list.js';
import { addOutputCommands } from './commands/output-commands.js';
import { addFirstSteps } from './commands/first-steps.js';
import type { PlanOptions } from './plan/show-plan.js';
import { sortKeys } from '../report/view/runs-view.js';
import { devices } from '../planning/devices.js';
import { addMaskCommands } from './commands/mask.js';
import type { WorkerFlags } from './commands/worker.js';
import type { UiFlags } from './commands/ui.js';
import type { RunFlags } from './commands/run.js';
import type { RetryOptions } from './commands/retry.js';
import type { LockOptions } from './load-lock.js';
import { addScheduleCommands } from './commands/schedule.js';
import { addStoreCommands } from './commands/store.js';
import { addSearchCommands } from './commands/search.js';
import { addSweepCommands } from './commands/sweep.js';
import { withCommandHint } from './unknown-command-hints.js';
import { version } from './version.js';
import { checkReadable } from './readable-names.js';
import { addGlobalOptions, collect, countOf, globalOptions, portNumber, seconds, type GlobalOptions } from './options.js';
import { reportError } from './report-error.js';
import { endProcess, watchOutput } from './output.js';

const lockedOption = ['--locked [lock]', 'refuse anything that differs from a lock, and give the same bits or fail (default: NAME.lock.yaml next to NAME.yaml)'] as const;
const which = 'workflow id, or pipeline file; default: the latest pipeline';

/** The commands of `temporal-pipeline`. Each is loaded when it is called. `onExit` gets its exit code. */
export function program(onExit: (code: number) => void): Command {
  const root = addGlobalOptions(new Command('temporal-pipeline'))
    .description('Prunes language models with durable pipelines: calibration, initial mask, rebuild, evaluation.')
    .version(version())
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows commands and options)')
    .configureOutput({ outputError: (message, write) => { write(withCommandHint(message, root.args[0])); } })
    .exitOverride();
  const add = (name: string, description: string): Command => root.command(name).description(description).copyInheritedSettings(root);
  const options = (command: Command): GlobalOptions => globalOptions(command);

  add('run <file>', 'run a pipeline here: server, worker, progress and result in one')
    .option(...lockedOption)
    .option('--ui', 'also serve a page with its progress, as the command `ui` does', false)
    .action(async (file: string, own: RunFlags, command: Command) => {
      const { runCommand } = await import('./commands/run.js');
      onExit(await runCommand(file, options(command), own));
    });
  add('start <file>', 'start a pipeline on a running worker and return')
    .option(...lockedOption)
    .action(async (file: string, own: LockOptions, command: Command) => {
      const { startCommand } = await import('./commands/start.js');
      onExit(await startCommand(file, options(command), own));
    });
  add('reproduce <pack>', 'run the pipeline of a pack here, and compare its results with published numbers').action(async (file: string, _: unknown, command: Command) => {
    const { reproduceCommand } = await import('./commands/reproduce.js');
    onExit(await reproduceCommand(file, options(command)));
  });
  add('watch [which]', `show progress and result of a pipeline (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    const { watchCommand } = await import('./commands/watch.js');
    onExit(await watchCommand(word, options(command)));
  });
  add('ui', 'show all runs on a page of this machine: live progress, reports, and buttons to pause, resume, cancel and retry')
    .addOption(new Option('--port <number>', 'port on 127.0.0.1 (default: a free one)').argParser(portNumber).default(0, 'a free one'))
    .option('--temporal-page <address>', "address of the server's own web page, for links (default: known for a local server and for Temporal Cloud)")
    .action(async (own: UiFlags, command: Command) => {
      const { uiCommand } = await import('./commands/ui.js');
      onExit(await uiCommand(own, options(command)));
    });
  add('list', 'list the pipelines that the server knows, and their results')
    .option('--model <name>', "only runs of this model: the name of its folder, or its repository id")
    .option('--sparsity <share>', 'only runs with this sparsity, for example 0.5')
    .option('--pattern <pattern>', 'only runs with this pattern, for example 2:4')
    .addOption(new Option('--gate <state>', 'only runs whose quality gates have this state').choices(['pending', 'passed', 'failed']))
    .option('--method <name>', 'only runs with this method, for example wanda or guarded')
    .option('--since <time>', 'only runs that started since then: a duration back from now such as 12h or 7d, or a time such as 2026-01-31')
    .addOption(new Option('--sort <key>', 'order (default: the newest first)').choices(sortKeys))
    .addOption(new Option('--limit <number>', 'show at most this many runs (default: all)').argParser(countOf))
    .action(async (own: ListOptions, command: Command) => {
      const { listCommand } = await import('./commands/list.js');
      onExit(await listCommand(own, options(command)));
    });
  add('compare <runs...>', 'put finished runs side by side: numbers, settings, errors by layer, masks (run folders, workflow ids, pipeline files, or names)')
    .option('--html <file>', 'also write a page with charts')
    .action(async (runs: string[], own: CompareOptions, command: Command) => {
      const { compareCommand } = await import('./commands/compare.js');
      onExit(await compareCommand(runs, own, options(command)));
    });
  add('cancel [which]', `cancel a pipeline and keep its finished work (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    const { cancelCommand } = await import('./commands/cancel.js');
    onExit(await cancelCommand(word, options(command)));
  });
  add('pause [which]', `pause a pipeline after the layer in flight (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    const { pauseCommand } = await import('./commands/pause.js');
    onExit(await pauseCommand(word, options(command)));
  });
  add('resume [which]', `continue a paused pipeline (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    const { resumeCommand } = await import('./commands/pause.js');
    onExit(await resumeCommand(word, options(command)));
  });
  add('retry [which]', `run an ended pipeline again and reuse its finished work (${which})`)
    .option('--from <stage>', 'recompute this stage and all later ones: their stored artifacts are removed. A name (the first stage of that name), or a number (1 is the first)')
    .action(async (word: string | undefined, own: RetryOptions, command: Command) => {
      const { retryCommand } = await import('./commands/retry.js');
      onExit(await retryCommand(word, own, options(command)));
    });
  add('worker', 'serve a task queue with this machine')
    .addOption(new Option('--supervised').hideHelp().default(false))
    .addOption(new Option('--allow-path <folder>', 'pipelines may read only from this folder (and the state folder); may be repeated (default: $LLM_BARBER_ALLOW_PATH, else everything that you may read)').argParser(collect).default([], 'none'))
    .addOption(new Option('--allow-publish <organisation>', 'pipelines may publish to this organisation of a hub; may be repeated (default: $LLM_BARBER_ALLOW_PUBLISH, else none if the environment names the server)').argParser(collect).default([], 'none'))
    .addOption(new Option('--shutdown-grace <seconds>', 'how long the layer in flight may take after SIGTERM or Ctrl-C before another worker gets it; a second signal ends the worker at once').argParser(seconds).default(20))
    .option('--devices <list>', 'one worker process for each of these GPUs, such as 0,1,2 (default: one worker on the first GPU that is visible)')
    .option('--metrics <address>', 'serve /metrics for Prometheus at this address, for example 127.0.0.1:9464 (default: $LLM_BARBER_METRICS, else off)')
    .option('--otlp <url>', 'send metrics to an OpenTelemetry collector (default: $LLM_BARBER_OTLP, else off)')
    .option('--health <address>', 'serve /healthz and /readyz at this address, for example 127.0.0.1:9465 (default: $LLM_BARBER_HEALTH, else off)')
    .option('--webhook <url>', 'send a POST request there when a run ends (default: $LLM_BARBER_WEBHOOK, else off)')
    .option('--deployment <name>', 'serve as a version of this Temporal worker deployment: runs stay with the version that started them (docs/durability.md)')
    .option('--build-id <id>', "name of the version in that deployment (default: this build)")
    .action(async (own: WorkerFlags, command: Command) => {
      if (!own.supervised) await (await import('./first-use.js')).setUpOnFirstUse();
      const { devicesCommand, workerCommand } = await import('./commands/worker.js');
      onExit(await (own.devices === undefined ? workerCommand(options(command), own) : devicesCommand(own.devices, own)));
    });
  add('codec', "decrypt payloads for Temporal's web page")
    .addOption(new Option('--origin <address>', "address of Temporal's web page; may be repeated. Requests from other pages are refused").argParser(collect).default([], 'none'))
    .option('--listen <address>', 'address that the page sends requests to', '127.0.0.1:8234')
    .action(async (own: CodecFlags, command: Command) => {
      const { codecCommand } = await import('./commands/codec.js');
      onExit(await codecCommand(own, options(command)));
    });
  add('validate <file>', 'check a pipeline file, or a search file')
    .option('--files', 'also check that the model, texts and masks that a pipeline names are on this machine', false)
    .action(async (file: string, own: { files: boolean }, command: Command) => {
      const { validateCommand } = await import('./commands/validate.js');
      onExit(await validateCommand(file, options(command), own));
    });
  add('plan <file>', 'predict memory, disk and time of a pipeline, stage by stage')
    .option('--calibrate', 'measure this machine again', false)
    .addOption(new Option('--device <name>', 'predict for a GPU that is not here, from its published peaks').choices(Object.keys(devices)))
    .action(async (file: string, own: PlanOptions, command: Command) => {
      const { planCommand } = await import('./commands/plan.js');
      onExit(await planCommand(file, options(command), own));
    });
  add('doctor', 'show what is installed, what is missing, and how to fix it').action(async (_: unknown, command: Command) => {
    const { doctorCommand } = await import('./commands/doctor.js');
    onExit(await doctorCommand(options(command)));
  });
  addOutputCommands(add, onExit);
  add('family', 'check how a model family is read')
    .command('check <folder>')
    .description('list tensors and keys that are missing or not read, and compare logits with expected.safetensors')
    .action(async (folder: string, _: unknown, command: Command) => {
      const { familyCheckCommand } = await import('./commands/family-check.js');
      onExit(await familyCheckCommand(folder, options(command)));
    });
  addFirstSteps(add, onExit);
  addScheduleCommands(add('schedule', 'run pipelines at set times'), onExit);
  addSweepCommands(add('sweep', 'run families of pipelines that differ in some values'), onExit);
  addSearchCommands(add('search', 'find the sparsest model that passes quality gates'), onExit);
  addStoreCommands(add('store', 'list, verify and clean up stored artifacts'), onExit);
  addMaskCommands(add('mask', 'prove, compare, apply and compose masks'), onExit);
  return root;
}

/** Runs a command line of `temporal-pipeline`, prints what is wrong, and returns the exit code. */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  let code = 0;
  try {
    checkReadable(words);
    await program((exit) => (code = exit)).parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return await reportError(error, { json: words.includes('--json'), verbose: words.includes('--verbose') });
  }
}

/** The process of `temporal-pipeline`: runs its command line and ends with its exit code. */
export async function main(): Promise<void> {
  watchOutput();
  await endProcess(await runCommandLine(process.argv.slice(2)));
}
