import type { Command } from 'commander';
import { globalOptions, type GlobalOptions } from '../options.js';

const which = 'workflow id, or sweep file; default: the latest sweep';

/** Adds the commands of `sweep`. */
export function addSweepCommands(sweep: Command, onExit: (code: number) => void): void {
  const options = (command: Command): GlobalOptions => globalOptions(command);
  const add = (name: string, description: string): Command => sweep.command(name).description(description).copyInheritedSettings(sweep);

  add('run <file>', 'run a sweep here: server, worker, progress of all members and result in one; a sweep that has ended continues with the members that are not done').action(async (file: string, _: unknown, command: Command) => {
    onExit(await (await import('./sweep-run.js')).sweepRunCommand(file, options(command)));
  });
  add('start <file>', 'start a sweep on running workers and return').action(async (file: string, _: unknown, command: Command) => {
    onExit(await (await import('./sweep-control.js')).sweepStartCommand(file, options(command)));
  });
  add('validate <file>', "check a sweep file and every member's pipeline").action(async (file: string, _: unknown, command: Command) => {
    onExit((await import('./sweep-control.js')).sweepValidateCommand(file, options(command)));
  });
  add('list', 'list the sweeps that the server knows').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./sweep-control.js')).sweepListCommand(options(command)));
  });
  add('watch [which]', `show members and result of a sweep (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    onExit(await (await import('./sweep-control.js')).sweepWatchCommand(word, options(command)));
  });
  add('resume [which]', `run the members of a sweep that failed, were cancelled or never started (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    onExit(await (await import('./sweep-run.js')).sweepResumeCommand(word, options(command)));
  });
  add('add-values <which> <path=value...>', 'add values to the matrix of a sweep, while it runs or after its end').action(async (word: string, values: string[], _: unknown, command: Command) => {
    onExit(await (await import('./sweep-run.js')).sweepAddValuesCommand(word, values, options(command)));
  });
  add('cancel [which]', `cancel a sweep and its members, and keep finished work (${which})`).action(async (word: string | undefined, _: unknown, command: Command) => {
    onExit(await (await import('./sweep-control.js')).sweepCancelCommand(word, options(command)));
  });
  add('report [which]', `print the current table of a sweep (${which})`)
    .option('--csv', 'as comma-separated values', false)
    .action(async (word: string | undefined, own: { csv: boolean }, command: Command) => {
      onExit(await (await import('./sweep-control.js')).sweepReportCommand(word, own, options(command)));
    });
}
