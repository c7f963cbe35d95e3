import { Option, type Command } from 'commander';
import { artifactKinds } from '../../../files/artifacts/artifact.js';
import { globalOptions, type GlobalOptions } from '../options.js';
import type { StoreGcOptions } from './store-gc.js';
import type { StoreListOptions } from './store-list.js';

/** Adds the commands of `store`. */
export function addStoreCommands(store: Command, onExit: (code: number) => void): void {
  const options = (command: Command): GlobalOptions => globalOptions(command);
  const add = (name: string, description: string): Command => store.command(name).description(description).copyInheritedSettings(store);

  add('list', 'say how much of what there is; with --json every artifact')
    .addOption(new Option('--kind <kind>', 'only artifacts of this kind').choices(artifactKinds))
    .action(async (own: StoreListOptions, command: Command) => {
      onExit(await (await import('./store-list.js')).storeListCommand(own, options(command)));
    });
  add('gc', 'remove artifacts that have not been used for long and that no run in progress refers to, and what killed workers left')
    .option('--older-than <duration>', 'how long an artifact must not have been used, 10m at least', '7d')
    .option('--dry-run', 'only say what would be removed', false)
    .action(async (own: StoreGcOptions, command: Command) => {
      onExit(await (await import('./store-gc.js')).storeGcCommand(own, options(command)));
    });
  add('verify', 'read everything and hold it against its digests; what is damaged is taken out, so that runs make it again').action(async (_: unknown, command: Command) => {
    onExit(await (await import('./store-verify.js')).storeVerifyCommand(options(command)));
  });
}
