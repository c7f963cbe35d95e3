/**
 * Where set-up keeps what it made, and where others find it. Plain JavaScript, because set-up runs before TypeScript is there.
 */
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
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
