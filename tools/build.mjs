/**
 * Compiles TypeScript to `dist/`, bundles the programs into `dist/programs/` and the workflows into `dist/workflow-bundle.js`, each
 * only if its sources changed.
 * Run it with `node tools/build.mjs`. Set-up calls `build()` once the packages are there.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundlePrograms, programsAreBundled } from './bundle-programs.mjs';
import { lockWorkerPackages } from './lock-worker-packages.mjs';
import { step } from './setup/console.mjs';
import { builtFolder as dist, packageRoot } from './setup/paths.mjs';

const stampFile = join(dist, '.build.json');
/** With a payload key, workflows convert their failures in another way, so they need a separate bundle. */
const bundles = [
  { file: join(dist, 'workflow-bundle.js') },
  { file: join(dist, 'workflow-bundle-encrypted.js'), failureConverterPath: join(dist, 'workflows', 'failure-converter.js') },
];
const workflowsAreBundled = () => bundles.every(({ file }) => existsSync(file));
const require = createRequire(import.meta.url);

/** Returns the digests of everything that the build reads, by path. */
function sources() {
  const { include } = JSON.parse(readFileSync(join(packageRoot, 'tsconfig.json'), 'utf8'));
  const within = (name) => {
    if (!existsSync(join(packageRoot, name))) return [];
    if (name.endsWith('.ts')) return [name];
    const files = readdirSync(join(packageRoot, name), { recursive: true });
    return files.filter((file) => /\.m?ts$/.test(file)).map((file) => join(name, file));
  };
  const schemas = readdirSync(join(packageRoot, 'schemas')).map((file) => join('schemas', file));
  const names = [...include.flatMap(within), ...schemas, 'tsconfig.json', 'package.json', 'package-lock.json', 'tools/build.mjs', 'tools/bundle-programs.mjs', 'tools/lock-worker-packages.mjs'];
  const digest = (name) => createHash('sha256').update(readFileSync(join(packageRoot, name))).digest('hex');
  return Object.fromEntries(names.sort().map((name) => [name, digest(name)]));
}

/** Returns the sources of the last build; none if its output is gone. */
function lastSources() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function compile(before, now) {
  // The compiler leaves the output of sources that no longer exist.
  if (Object.keys(before).some((name) => !(name in now))) rmSync(dist, { recursive: true, force: true });
  const compiler = require.resolve('typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', packageRoot], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`TypeScript does not compile:\n${stdout.trim()}`);
}

/** Returns the sources of the workflow bundle. Workflow code imports only types from elsewhere. */
function bundleParts(files) {
  const matters = (name) => name.startsWith(join('workflows', '')) || name === 'package-lock.json';
  return JSON.stringify(Object.entries(files).filter(([name]) => matters(name)));
}

async function bundleWorkflows() {
  const workflowsPath = join(dist, 'workflows', 'index.js');
  if (!existsSync(workflowsPath)) return;
  const { bundleWorkflowCode, DefaultLogger } = require('@temporalio/worker');
  const messages = [];
  const logger = new DefaultLogger('WARN', ({ message }) => messages.push(message));
  try {
    for (const { file, failureConverterPath } of bundles) {
      const { code } = await bundleWorkflowCode({ workflowsPath, logger, failureConverterPath });
      writeFileSync(`${file}.${process.pid}`, code);
      renameSync(`${file}.${process.pid}`, file);
    }
  } catch (failure) {
    throw new Error([failure.message, ...messages].join('\n'), { cause: failure });
  }
}

/** Builds what is out of date, and returns the outcome in words. @throws if the sources do not compile */
export async function build() {
  const [before, now] = [lastSources(), sources()];
  const bundled = programsAreBundled() && (workflowsAreBundled() || !('workflows/index.ts' in now));
  if (bundled && JSON.stringify(before) === JSON.stringify(now)) return 'already there';
  rmSync(stampFile, { force: true });
  compile(before, now);
  await bundlePrograms();
  lockWorkerPackages();
  if (!workflowsAreBundled() || bundleParts(before) !== bundleParts(now)) await bundleWorkflows();
  mkdirSync(dist, { recursive: true });
  writeFileSync(stampFile, JSON.stringify(now));
  return 'done';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await step('build', build);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
