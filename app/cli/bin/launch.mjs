import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtFolder, programPath } from '#setup/paths.mjs';

/** Runs the `main` of a program that the build made, or says what is missing. */
export async function launch(name) {
  const program = programPath(name);
  if (!existsSync(program)) {
    process.stderr.write('llm-barber is not set up yet: run `npm run setup` in its folder.\n');
    process.exitCode = 1;
    return;
  }
  // Node 22 and later cache compiled code. The cache is beside the program, so it is as safe as the program. There is no cache where it
  // cannot be written.
  module.enableCompileCache?.(join(builtFolder, 'compile-cache'));
  const { main } = await import(pathToFileURL(program).href);
  await main();
}
