import { Argument, Option, type Command } from 'commander';
import { collect, globalOptions } from '../options.js';
import type { FetchFlags } from './fetch.js';

const which = "workflow id, pipeline file, or the pipeline's name";

/** Adds the commands that hand on what a run has made. */
export function addHandOn(add: (name: string, description: string) => Command, onExit: (code: number) => void): void {
  add('fetch', 'bring checkpoint, mask and report of a finished run here, from the store')
    .addArgument(new Argument('[run]', `${which}; default: the run that ended last`))
    .option('--to <folder>', 'where to (default: the state folder, where other commands find the run)')
    .addOption(new Option('--only <part>', 'only this part; may be repeated: checkpoint, mask or report').argParser(collect).default([], 'all that the store keeps'))
    .action(async (word: string | undefined, own: FetchFlags, command: Command) => {
      onExit(await (await import('./fetch.js')).fetchCommand(word, own, globalOptions(command)));
    });
}
