import type { Command } from 'commander';
import { globalOptions, type GlobalOptions } from '../options.js';

const which = 'workflow id, or search file; default: the latest search';
const examples = `
Examples:
  temporal-pipeline search validate pipelines/searches/demo.yaml
  temporal-pipeline search run pipelines/searches/demo.yaml
  temporal-pipeline search run my.yaml --set rebuild.strategy=guarded --json

Exit codes: 0 a point passes, 1 a run failed, 2 the file is wrong, 3 no point passes. docs/search.md describes the file.
`;

/** Adds the commands of `search`. */
export function addSearchCommands(search: Command, onExit: (code: number) => void): void {
  const options = (command: Command): GlobalOptions => globalOptions(command);
  const add = (name: string, description: string): Command => search.command(name).description(description).copyInheritedSettings(search);
  search.addHelpText('after', examples);

  add('run <file>', 'run a search here: server, worker, progress and result in one; finished work is reused').addHelpText('after', examples).action(async (file: string, _: unknown, command: Command) => {
    onExit(await (await import('./search-run.js')).searchRunCommand(file, options(command)));
  });
  add('start <file>', 'start a search on running workers and return').action(async (file: string, _: unknown, command: Command) => {
    onExit(await (await import('./search-control.js')).searchStartCommand(file, options(command)));
  });
  add('validate <file>', 'check a search file and the pipeline of every point').action(async (file: string, _: unknown, command: Command) => {
    onExit((await import('./search-control.js')).searchValidateCommand(file, options(command)));
  });
  add('list', 'list the searches that the server knows').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./search-control.js')).searchListCommand(options(command)));
  });
  add('watch [which]', `show what a search has tried, and its result (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    onExit(await (await import('./search-control.js')).searchWatchCommand(word, options(command)));
  });
  add('cancel [which]', `cancel a search and its run, and keep finished work (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    onExit(await (await import('./search-control.js')).searchCancelCommand(word, options(command)));
  });
}
