import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** The GPU of the engine, and everything that determines its kernels. */
export interface Gpu {
  /** For example `NVIDIA H100 80GB HBM3`. */
  name: string;
  /** Compute capability, driver and libraries, for example `compute capability 9.0, driver 550.54.15, cublas 12.5.3`. */
  kernels: string;
}

/** Returns the first visible GPU, which the binding uses. Call it after TensorFlow is open, so that its libraries are loaded. */
export function currentGpu(): Gpu {
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',')[0] ?? '0';
  const query = ['--query-gpu=name,compute_cap,driver_version', '--format=csv,noheader', `--id=${visible}`];
  let answer = '';
  try {
    answer = execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
  } catch {
    // Without nvidia-smi, the libraries are still known.
  }
  return gpuOf(answer, readText('/proc/self/maps'), visible);
}

/**
 * @param answer output of `nvidia-smi --query-gpu=name,compute_cap,driver_version --format=csv,noheader`
 * @param maps text of `/proc/self/maps`, which lists the loaded libraries
 * @param visible id of the GPU, for its name if nvidia-smi gives none
 */
export function gpuOf(answer: string, maps: string, visible: string, versionOf = libraryVersion): Gpu {
  const [, name, capability, driver] = /^(.+), ([\d.]+), ([\d.]+)$/.exec(answer.split('\n')[0]?.trim() ?? '') ?? [];
  const known = name === undefined ? [] : [`compute capability ${capability}`, `driver ${driver}`];
  return { name: name ?? `device ${visible}`, kernels: [...known, ...libraries(maps, versionOf)].join(', ') };
}

/** NVIDIA's loaded libraries with kernels, and their versions, sorted by name. */
function libraries(maps: string, versionOf: (path: string) => string): string[] {
  const found = new Map<string, string>();
  for (const line of maps.split('\n')) {
    const path = /\s(\/.*)$/.exec(line)?.[1] ?? '';
    const name = /^lib(cudart|cublas|cublasLt|cudnn|cusolver)\.so[.\d]*$/.exec(basename(path))?.[1];
    if (name !== undefined) found.set(name, path);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, path]) => `${name} ${versionOf(path)}`);
}

/** The version in a library's file name. NVIDIA's packages give only the major version there; the file's size then tells versions apart. */
function libraryVersion(path: string): string {
  const file = realpathSync(path);
  const version = /\.so\.([\d.]+)$/.exec(file)?.[1] ?? '';
  return version.includes('.') ? version : `${version} (${statSync(file).size} bytes)`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
