import type { Command } from 'commander';

/** A command: the words that lead to it, and the words that may follow. */
export interface CommandNode {
  /** Empty for the program itself. */
  words: readonly string[];
  about: string;
  /** Names of its subcommands. */
  commands: readonly string[];
  /** Its own options. Options of the program itself may follow every command. */
  options: readonly { name: string; about: string }[];
}

/** All commands of a program, parents first. */
export function commandTree(root: Command, words: readonly string[] = []): CommandNode[] {
  const help = root.createHelp();
  const below = help.visibleCommands(root).filter((command) => command.name() !== 'help');
  const options = help.visibleOptions(root).flatMap(({ long, description }) => (long === null || long === undefined ? [] : [{ name: long, about: description }]));
  const node = { words, about: root.description(), commands: below.map((command) => command.name()), options };
  return [node, ...below.flatMap((command) => commandTree(command, [...words, command.name()]))];
}
