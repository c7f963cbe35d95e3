import type { Command } from 'commander';
import { completionScripts, type Shell } from '../completion/scripts.js';
import { commandTree } from '../completion/tree.js';
import { exitCode } from '../exit-codes.js';

/**
 * `completion SHELL`: prints the script with which a shell completes our command lines.
 * @returns the exit code
 */
export function completionCommand(shell: Shell, root: Command): number {
  process.stdout.write(completionScripts[shell](commandTree(root)));
  return exitCode.done;
}
