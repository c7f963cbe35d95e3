/**
 * Where set-up keeps what it made, and where others find it. Plain JavaScript, because set-up runs before TypeScript is there.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, delimiter, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of this package: the folder of its package.json. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** What the build makes. */
export const builtFolder = join(packageRoot, 'dist');

/** Path of a program that the build bundles (tools/bundle-programs.mjs). */
export function programPath(name) {
  return join(builtFolder, 'programs', `${name}.js`);
}

/** Cache that survives `npm ci`: `$LLM_BARBER_CACHE`, else `$XDG_CACHE_HOME/llm-barber`, else `~/.cache/llm-barber`. */
export function cacheFolder(env = process.env) {
  if (env.LLM_BARBER_CACHE) return resolve(env.LLM_BARBER_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'llm-barber');
}

/** A home folder can serve machines of several kinds, so what is native is kept by platform. */
export const machineKind = `${process.platform}-${process.arch}`;

/** Whether this is a clone of the repository, which is built here, and not an installed package. npm never publishes the lock file. */
export const isClone = existsSync(join(packageRoot, 'package-lock.json'));

/** What a person types to set up. */
export const setUpCommand = isClone ? 'npm run setup' : 'npx temporal-pipeline setup';

/** What the packages of workers are installed from (tools/lock-worker-packages.mjs). */
export const workerLockFolder = join(builtFolder, 'worker-packages');

/** Folder in whose `node_modules` the packages that only workers need are, or will be. */
export function workerPackagesFolder(env = process.env) {
  if (isClone) return packageRoot;
  const digest = createHash('sha256').update(readFileSync(join(workerLockFolder, 'package-lock.json'))).digest('hex');
  return join(cacheFolder(env), 'worker-packages', `${machineKind}-${digest.slice(0, 16)}`);
}

/** Whether they are there. TensorFlow itself may be missing nevertheless; then the slower engine serves. */
export function hasWorkerPackages() {
  return existsSync(join(workerPackagesFolder(), 'node_modules'));
}

let requireOfWorkers;

/** Finds all of a worker's packages in one place, so that none of them is loaded twice. Before set-up it finds those of this package. */
function workerRequire() {
  if (requireOfWorkers !== undefined) return requireOfWorkers;
  if (!hasWorkerPackages()) return createRequire(join(packageRoot, 'package.json'));
  return (requireOfWorkers = createRequire(join(workerPackagesFolder(), 'package.json')));
}

/** Loads a package that set-up got. Programs ask for these packages in this way (tools/bundle-programs.mjs). */
export function requirePackage(name) {
  return workerRequire()(name);
}

/** Path of a file of a package that set-up got. */
export function resolvePackage(file) {
  return workerRequire().resolve(file);
}

/** Path in the cache of the Temporal CLI that set-up got, whether or not it is there. */
export function cachedTemporal(env = process.env) {
  return join(cacheFolder(env), 'temporal-cli', machineKind, 'temporal');
}

/** Path in the cache of the S3 server that tests use, whether or not it is there. */
export function cachedS3Server(env = process.env) {
  return join(cacheFolder(env), 'versitygw', machineKind, 'versitygw');
}

function isExecutableFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether `path` is this package's own `temporal` command, linked or wrapped by a package manager. */
function isOurShim(path) {
  const real = realpathSync(path);
  if (basename(real) === 'temporal.mjs' || path.includes(join('node_modules', '.bin') + sep)) return true;
  const isScript = statSync(real).size < 65_536;
  return isScript && readFileSync(real, 'utf8').includes('app/cli/bin/temporal.mjs');
}

/** All executables called `name` on the PATH, in its order. */
export function onPath(name, env = process.env) {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).filter(isExecutableFile);
}

/** A browser of Chromium's kind, which draws pages for tests and pictures: `$CHROMIUM`, else on the PATH. */
export function findChromium(env = process.env) {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
  return env.CHROMIUM ?? names.flatMap((name) => onPath(name, env))[0];
}

/** The real Temporal CLI: on the PATH (our own shim does not count), else in the cache. */
export function findTemporal(env = process.env) {
  const found = onPath('temporal', env).find((path) => !isOurShim(path));
  if (found !== undefined) return found;
  return isExecutableFile(cachedTemporal(env)) ? cachedTemporal(env) : undefined;
}

/** A real S3 server for tests, versitygw: `$VERSITYGW`, else on the PATH, else in the cache. */
export function findS3Server(env = process.env) {
  return [env.VERSITYGW ?? '', ...onPath('versitygw', env), cachedS3Server(env)].find((path) => path !== '' && isExecutableFile(path));
}
