/** The checks of `temporal-pipeline doctor`, as a list. Each check is a name and a function that returns a finding. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { compilerProblem } from '#setup/binding.mjs';
import { packagesInstalled } from '#setup/packages.mjs';
import { cacheFolder, hasWorkerPackages, isClone, packageRoot, setUpCommand } from '#setup/paths.mjs';
import { findPythonWithPip } from '#setup/wheel.mjs';
import type { EngineRequest } from '../../../science/engine/index.js';
import { findTemporalCli } from '../temporal-cli.js';
import type { Probe } from './probe.js';

/** `ok`; `note`: pipelines run, but not as well as they could; `missing`: pipelines do not run. */
export type Standing = 'ok' | 'note' | 'missing';

export interface Finding {
  standing: Standing;
  what: string;
  /** How to fix it. */
  mend?: string;
}

/** The input of all checks. */
export interface Surroundings {
  /** The state folder; it may not exist. */
  state: string;
  /** Opens an engine in a separate process. */
  probe: (backend: EngineRequest['backend']) => Promise<Probe>;
}

export interface Check {
  name: string;
  find: (surroundings: Surroundings) => Promise<Finding> | Finding;
}

const ok = (what: string): Finding => ({ standing: 'ok', what });
const note = (what: string, mend?: string): Finding => ({ standing: 'note', what, ...(mend !== undefined && { mend }) });
const missing = (what: string, mend: string): Finding => ({ standing: 'missing', what, mend });

const setUp = `run \`${setUpCommand}\`${isClone ? ` in ${packageRoot}` : ''}`;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** With less free space than this, even a run of a small model can fail. */
const littleDisk = 2e9;

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < 20 || (major === 20 && minor < 19);
  return old ? missing(process.versions.node, 'install Node 20.19 or newer') : ok(process.versions.node);
}

function packages(): Finding {
  if (!isClone) return hasWorkerPackages() ? ok('those for workers are installed in the cache') : missing('those for workers are not installed yet', `${setUp}, or run a pipeline, which installs them`);
  return packagesInstalled(packageRoot) ? ok('match package-lock.json') : note('do not match package-lock.json', setUp);
}

async function engine({ probe }: Surroundings): Promise<Finding> {
  const { engine, problem } = await probe('auto');
  if (engine === undefined) return missing(problem ?? 'none can be opened', setUp);
  const threads = `${engine.threads} thread${engine.threads === 1 ? '' : 's'}`;
  const what = `${engine.backend} on ${engine.device}, ${threads} (${engine.version})`;
  if (engine.backend === 'wasm') return note(`${what}: matrix products are about 5 times slower than with tensorflow`);
  return ok(what);
}

async function tensorflow({ probe }: Surroundings): Promise<Finding> {
  const { engine, problem } = await probe('tensorflow');
  return engine === undefined ? note(problem ?? 'does not open', setUp) : ok(`binding opens (${engine.version})`);
}

async function wasm({ probe }: Surroundings): Promise<Finding> {
  const { engine, problem } = await probe('wasm');
  return engine === undefined ? note(problem ?? 'does not open', setUp) : ok(`opens (${engine.version})`);
}

async function gpu({ probe }: Surroundings): Promise<Finding> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  const output = outputOf('nvidia-smi', query);
  if (output === undefined) return ok('none (no NVIDIA driver responds), so the CPU is used');
  const names = output.split('\n').join('; ');
  const { engine } = await probe('auto');
  if (engine?.device.startsWith('gpu')) return ok(names);
  return note(`${names}; but the engine uses ${engine?.device ?? 'nothing'}`, `${setUp}, which fetches TensorFlow for NVIDIA GPUs`);
}

function compiler(): Finding {
  const problem = compilerProblem();
  if (problem === undefined) return ok('C++17 compiler and make');
  return note(`${problem} (only set-up needs it, to build the tensorflow engine)`, 'install g++ (or clang++) and make');
}

function python(): Finding {
  const path = findPythonWithPip();
  if (path !== undefined) return ok(`${path}, with pip`);
  return note('none with pip (only set-up needs it, to fetch TensorFlow)', 'install Python 3 with pip');
}

async function temporalCli(): Promise<Finding> {
  const path = await findTemporalCli();
  if (path === undefined) return missing('none', `${setUp}, or install it (https://docs.temporal.io/cli) on the PATH`);
  const version = outputOf(path, ['--version']);
  return version === undefined ? missing(`${path} cannot be run`, 'remove that file or replace it') : ok(`${version}, ${path}`);
}

function stateFolder({ state }: Surroundings): Finding {
  let there = state;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const free = `${gigabytes(bavail * bsize)} free`;
  try {
    rmdirSync(mkdtempSync(join(there, '.doctor-')));
  } catch {
    return missing(`${state}: ${there} cannot be written`, 'name another folder with --state or LLM_BARBER_STATE');
  }
  const what = `${state}${there === state ? '' : ' (not created yet)'}, ${free}`;
  return bavail * bsize < littleDisk ? note(what, 'free some space or name another folder with --state') : ok(what);
}

function processors(): Finding {
  return ok(`${availableParallelism()} of ${cpus()[0]?.model.trim() ?? process.arch}`);
}

function memory(): Finding {
  return ok(`${gigabytes(freemem())} free of ${gigabytes(totalmem())}`);
}

/** Output of a program; undefined if it is missing or fails. */
function outputOf(program: string, args: string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 }).trim();
  } catch {
    return undefined;
  }
}

/** In the order in which a person would ask. */
export const checks: readonly Check[] = [
  { name: 'Node', find: nodeVersion },
  { name: 'packages', find: packages },
  { name: 'engine in use', find: engine },
  { name: 'tensorflow', find: tensorflow },
  { name: 'wasm', find: wasm },
  { name: 'GPU', find: gpu },
  { name: 'processors', find: processors },
  { name: 'memory', find: memory },
  { name: 'Temporal CLI', find: temporalCli },
  { name: 'state folder', find: stateFolder },
  { name: 'cache', find: () => ok(cacheFolder()) },
  { name: 'compiler', find: compiler },
  { name: 'Python', find: python },
];
