import { Argument, Option, type Command } from 'commander';
import type { SparseFormat } from '../../../files/masks/index.js';
import { collect, globalOptions } from '../options.js';
import type { ExportFlags } from './export.js';
import type { FetchFlags } from './fetch.js';
import type { PublishFlags } from './publish.js';

/** Repeated here, because the module that defines them is loaded only when the command runs. */
const formats: readonly SparseFormat[] = ['sparse-bitmask', 'sparse-24-bitmask'];
const which = "workflow id, pipeline file, or the pipeline's name";

/** Adds the commands for the outputs of a run. */
export function addOutputCommands(add: (name: string, description: string) => Command, onExit: (code: number) => void): void {
  add('fetch', 'copy checkpoint, mask and report of a finished run from the store to this machine')
    .addArgument(new Argument('[run]', `${which}; default: the run that ended last`))
    .option('--to <folder>', 'the folder to copy to (default: the state folder, where other commands find the run)')
    .addOption(new Option('--only <part>', 'only this part; may be repeated: checkpoint, mask or report').argParser(collect).default([], 'all that the store keeps'))
    .action(async (word: string | undefined, own: FetchFlags, command: Command) => {
      onExit(await (await import('./fetch.js')).fetchCommand(word, own, globalOptions(command)));
    });
  add('publish', 'upload the checkpoint of a finished run to a Hugging Face hub, with a model card, its mask and its lock')
    .addArgument(new Argument('<run>', `a run's folder, ${which}`))
    .addArgument(new Argument('<repository>', 'organisation/name; created if it does not exist'))
    .option('--public', 'make the repository public if it is created', false)
    .option('--branch <name>', 'the branch to upload to', 'main')
    .option('--force', 'publish even if a quality gate failed', false)
    .action(async (word: string, repository: string, own: PublishFlags, command: Command) => {
      onExit(await (await import('./publish.js')).publishCommand(word, repository, own, globalOptions(command)));
    });
  add('export', 'give the numbers of a finished run or its trace to other tools, or its checkpoint in a sparse format')
    .addArgument(new Argument('<run>', `a run's folder, ${which}; with --format also a checkpoint folder of any tool`))
    .option('--mlflow <url>', 'send the numbers to an MLflow tracking server')
    .option('--experiment <name>', 'the experiment on the MLflow server', 'llm-barber')
    .option('--lm-eval <folder>', 'write the numbers as result files of lm-evaluation-harness')
    .option('--otlp <url>', 'send the timeline of the run as a trace to an OpenTelemetry receiver, over HTTP (such as http://127.0.0.1:4318)')
    .addOption(new Option('--format <format>', 'write the checkpoint in this format of compressed-tensors 0.14 and older (legacy: no current program loads it)').choices(formats))
    .option('--to <folder>', 'the folder for that checkpoint, new or empty')
    .action(async (word: string, own: ExportFlags, command: Command) => {
      onExit(await (await import('./export.js')).exportCommand(word, own, globalOptions(command)));
    });
  add('deploy-check', 'show what the zeros of a checkpoint are worth: its size in several formats, and which programs load it and gain from the zeros')
    .addArgument(new Argument('<run>', `a run's folder, ${which}; or a checkpoint folder of any tool`))
    .action(async (word: string, _: unknown, command: Command) => {
      onExit(await (await import('./deploy-check.js')).deployCheckCommand(word, globalOptions(command)));
    });
}
