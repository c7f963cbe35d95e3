/** The environment variables that matter to a place. */
type Environment = Record<string, string | undefined>;

/** Root of this package: the folder of its package.json. */
export const packageRoot: string;
/** What the build makes. */
export const builtFolder: string;
/** Path of a program that the build bundles (tools/bundle-programs.mjs). */
export function programPath(name: 'api' | 'temporal-pipeline' | 'temporal' | 'compute' | 'write-thread' | 'probe-engine' | 'measure'): string;
/** Cache that survives `npm ci`: `$LLM_BARBER_CACHE`, else `$XDG_CACHE_HOME/llm-barber`, else `~/.cache/llm-barber`. */
export function cacheFolder(env?: Environment): string;
/** Platform and architecture, for instance `linux-x64`. */
export const machineKind: string;
/** Whether this is a clone of the repository, which is built here, and not an installed package. */
export const isClone: boolean;
/** What a person types to set up. */
export const setUpCommand: string;
/** What the packages of workers are installed from (tools/lock-worker-packages.mjs). */
export const workerLockFolder: string;
/** Folder in whose `node_modules` the packages that only workers need are, or will be. */
export function workerPackagesFolder(env?: Environment): string;
/** Whether they are there. TensorFlow itself may be missing nevertheless. */
export function hasWorkerPackages(): boolean;
/** Loads a package that set-up got. */
export function requirePackage(name: string): unknown;
/** Path of a file of a package that set-up got. */
export function resolvePackage(file: string): string;
/** Path in the cache of the Temporal CLI that set-up got, whether or not it is there. */
export function cachedTemporal(env?: Environment): string;
/** All executables called `name` on the PATH, in its order. */
export function onPath(name: string, env?: Environment): string[];
/** A browser of Chromium's kind, which draws pages for tests and pictures: `$CHROMIUM`, else on the PATH. */
export function findChromium(env?: Environment): string | undefined;
/** The real Temporal CLI: on the PATH (our own shim does not count), else in the cache. */
export function findTemporal(env?: Environment): string | undefined;
/** Path in the cache of the S3 server that tests use, whether or not it is there. */
export function cachedS3Server(env?: Environment): string;
/** A real S3 server for tests, versitygw: `$VERSITYGW`, else on the PATH, else in the cache. */
export function findS3Server(env?: Environment): string | undefined;
