import type { Command } from 'commander';
import { globalOptions } from '../options.js';

/** Adds the commands for a first pipeline. */
export function addFirstSteps(add: (name: string, description: string) => Command, onExit: (code: number) => void): void {
  add('setup', 'get what pipelines need to run: npm packages of workers, TensorFlow, the Temporal CLI').action(async () => {
    onExit(await (await import('./setup.js')).setupCommand());
  });
  add('demo', 'prune a small model that comes with this package, and show the result').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./demo.js')).demoCommand(globalOptions(command)));
  });
}
