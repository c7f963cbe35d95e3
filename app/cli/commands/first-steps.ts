import { Argument, type Command } from 'commander';
import type { Shell } from '../completion/scripts.js';
import { globalOptions } from '../options.js';
import type { InitOptions } from './init.js';

/** Adds the commands for a first pipeline, and those that show what is available. */
export function addFirstSteps(add: (name: string, description: string) => Command, onExit: (code: number) => void): void {
  add('setup', 'install what pipelines need: npm packages for workers, TensorFlow, the Temporal CLI').action(async () => {
    onExit(await (await import('./setup.js')).setupCommand());
  });
  add('demo', 'prune a small model that comes with this package, and show the result').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./demo.js')).demoCommand(globalOptions(command)));
  });
  add('init [file]', 'write a pipeline file with comments, and ask for what is not given (default: pipeline.yaml)')
    .option('--model <source>', 'the model: a folder, or organisation/name@commit')
    .option('--text <source>', 'the calibration text: a file, or c4, wikitext2, ptb')
    .option('--goal <goal>', 'how many weights to prune: a share such as 50 %, or a pattern such as 2:4')
    .option('--machine <kind>', 'the machine that the run should suit: laptop, workstation or gpu')
    .option('--force', 'overwrite the file', false)
    .action(async (file: string | undefined, own: InitOptions, command: Command) => {
      onExit(await (await import('./init.js')).initCommand(file ?? 'pipeline.yaml', own, globalOptions(command)));
    });
  add('explain [key]', 'show the meaning, default and range of a key of the pipeline file (default: list all keys)').action(async (key: string | undefined, _: unknown, command: Command) => {
    onExit((await import('./explain.js')).explainCommand(key, globalOptions(command)));
  });
  add('examples', 'list the example files that come with this package').action(async (_: unknown, command: Command) => {
    onExit((await import('./examples.js')).examplesCommand(globalOptions(command)));
  });
  add('completion', 'print a completion script for a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish'] satisfies Shell[]))
    .action(async (shell: Shell, _: unknown, command: Command) => {
      onExit((await import('./completion.js')).completionCommand(shell, command.parent ?? command));
    });
}
