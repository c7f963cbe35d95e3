import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Runs the `main` of a built program of `dist/cli`, or says what is missing. */
export async function launch(name) {
  const program = new URL(`../../dist/cli/${name}.js`, import.meta.url);
  if (!existsSync(fileURLToPath(program))) {
    process.stderr.write('llm-barber is not set up yet: run `npm run setup` in its folder.\n');
    process.exitCode = 1;
    return;
  }
  const { main } = await import(program.href);
  await main();
}
