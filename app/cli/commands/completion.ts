import type { Command } from 'commander';
import { completionScripts, type Shell } from '../completion/scripts.js';
import { commandTree } from '../completion/tree.js';
import { exitCode } from '../exit-codes.js';

/**
 * `completion SHELL`: prints what a shell reads to complete command lines of ours.
 * @returns the exit code
 */
export function completionCommand(shell: Shell, root: Command): number {
  process.stdout.write(completionScripts[shell](commandTree(root)));
  return exitCode.done;
}
