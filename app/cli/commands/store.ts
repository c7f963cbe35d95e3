import { Option, type Command } from 'commander';
import { artifactKinds } from '../../../files/artifacts/artifact.js';
import { globalOptions, type GlobalOptions } from '../options.js';
import type { StoreGcOptions } from './store-gc.js';
import type { StoreListOptions } from './store-list.js';

/** Adds the commands of `store`. */
export function addStoreCommands(store: Command, onExit: (code: number) => void): void {
  const options = (command: Command): GlobalOptions => globalOptions(command);
  const add = (name: string, description: string): Command => store.command(name).description(description).copyInheritedSettings(store);

  add('list', 'show number and size of artifacts by kind; with --json every artifact')
    .addOption(new Option('--kind <kind>', 'only artifacts of this kind').choices(artifactKinds))
    .action(async (own: StoreListOptions, command: Command) => {
      onExit(await (await import('./store-list.js')).storeListCommand(own, options(command)));
    });
  add('gc', 'remove artifacts that have not been used for a long time and that no run in progress needs, and leftovers of killed workers')
    .option('--older-than <duration>', 'how long an artifact must be unused, at least 10m', '7d')
    .option('--outputs', 'also remove outputs of finished runs (docs/outputs.md)', false)
    .option('--dry-run', 'only show what would be removed', false)
    .action(async (own: StoreGcOptions, command: Command) => {
      onExit(await (await import('./store-gc.js')).storeGcCommand(own, options(command)));
    });
  add('verify', 'read every artifact and compare it with its digests; damaged artifacts are moved aside, and runs recompute them').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./store-verify.js')).storeVerifyCommand(options(command)));
  });
}
