import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Engine } from '../../science/engine/index.js';

/** The resources that are free for a run. */
export interface Capacity {
  /** Bytes of memory, including what this process already has. */
  host: number;
  /** Bytes for the engine's tensors, if the engine has its own memory of a known size. */
  tensors?: { of: 'GPU memory' | 'WebAssembly memory'; bytes: number };
  /** Free bytes of the file system that holds the state folder. */
  disk: number;
}

/**
 * Returns what is free now on this machine for a compute process.
 *
 * @param state the state folder, which may not exist yet
 * @param own bytes that the compute process already has
 */
export function freeCapacity(state: string, engine: Pick<Engine, 'backend' | 'device'>, own = 0): Capacity {
  const limit = cgroupFree();
  const host = Math.min(freemem(), limit ?? Infinity) + own;
  const tensors = tensorsFree(engine);
  return { host, disk: diskFree(state), ...(tensors && { tensors }) };
}

/** Whether the engine keeps its tensors on a GPU. */
export function isGpu({ device }: Pick<Engine, 'device'>): boolean {
  return device.startsWith('gpu');
}

/** Everything that the engine's WebAssembly module can address. */
const webAssemblyBytes = 4_294_901_760;

function tensorsFree(engine: Pick<Engine, 'backend' | 'device'>): Capacity['tensors'] {
  if (engine.backend === 'wasm') return { of: 'WebAssembly memory', bytes: webAssemblyBytes };
  const bytes = isGpu(engine) ? gpuFree() : undefined;
  return bytes === undefined ? undefined : { of: 'GPU memory', bytes };
}

function diskFree(folder: string): number {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return bavail * bsize;
}

/** Free memory of the first visible GPU, which is the one that the engine uses. */
function gpuFree(): number | undefined {
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',')[0] ?? '0';
  try {
    const query = ['--query-gpu=memory.free', '--format=csv,noheader,nounits', `--id=${visible}`];
    const text = execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
    const mebibytes = Number(text.trim());
    return Number.isFinite(mebibytes) && text.trim() !== '' ? mebibytes * 2 ** 20 : undefined;
  } catch {
    return undefined;
  }
}

/** Where the kernel shows the control groups, and the names of the files in each version. */
const versions = [
  { controller: '', root: '/sys/fs/cgroup', limit: 'memory.max', used: 'memory.current', cache: 'inactive_file' },
  { controller: 'memory', root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes', cache: 'total_inactive_file' },
];

/**
 * Returns the bytes that the control groups of this process (a container, a batch system's job) still allow; undefined if none sets a
 * limit.
 */
export function cgroupFree(groups = readText('/proc/self/cgroup') ?? '', under = ''): number | undefined {
  const free: number[] = [];
  for (const line of groups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const version = versions.find(({ controller }) => controllers?.split(',').includes(controller));
    if (version === undefined || path === undefined) continue;
    // A limit applies to everything below it.
    for (let at = path; ; at = dirname(at)) {
      const left = freeOf(join(under, version.root, at), version);
      if (left !== undefined) free.push(left);
      if (dirname(at) === at) break;
    }
  }
  return free.length === 0 ? undefined : Math.min(...free);
}

function freeOf(folder: string, { limit, used, cache }: (typeof versions)[number]): number | undefined {
  const max = Number(readText(join(folder, limit)) ?? NaN);
  const current = Number(readText(join(folder, used)) ?? NaN);
  // "max", or a number as large as the address space, means no limit.
  if (!Number.isFinite(max) || !Number.isFinite(current) || max >= 2 ** 60) return undefined;
  const droppable = Number(new RegExp(`^${cache} (\\d+)`, 'm').exec(readText(join(folder, 'memory.stat')) ?? '')?.[1] ?? 0);
  return Math.max(0, max - current + droppable);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
