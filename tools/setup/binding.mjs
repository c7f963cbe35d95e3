/** Compiles the Node binding of TensorFlow against the libraries of a wheel. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './console.mjs';
import { nodeGyp } from './npm.mjs';
import { onPath, resolvePackage } from './paths.mjs';

const quietLogSource = fileURLToPath(new URL('quiet-log.cc', import.meta.url));

/** Why this machine cannot compile C++17; `undefined` where it can. */
export function compilerProblem() {
  const missing = ['make', compiler()].filter((tool) => onPath(tool).length === 0);
  if (missing.length > 0) return `no ${missing.join(' and no ')} on the PATH`;
  try {
    const flags = ['-std=c++17', '-fsyntax-only', '-x', 'c++', '-'];
    execFileSync(compiler(), flags, { input: '#include <string>\n#include <memory>\n', stdio: ['pipe', 'ignore', 'ignore'] });
    return undefined;
  } catch {
    return `${compiler()} does not compile C++17`;
  }
}

function compiler() {
  return process.env.CXX ?? (onPath('g++').length > 0 ? 'g++' : 'c++');
}

/** Headers that came with this Node; without them node-gyp downloads some. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

/**
 * NVIDIA's libraries that TensorFlow opens by name at run time. Linked into the binding they are in memory by then, so that
 * nobody needs to set a library path.
 */
function cudaFlags(libraryFolder) {
  const wanted = /^lib(cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn|nccl)\.so\.\d+$/;
  const found = readdirSync(libraryFolder).filter((name) => wanted.test(name));
  return found.length === 0 ? [] : [`-L${libraryFolder}`, '-Wl,--no-as-needed', ...found.map((name) => `-l:${name}`), '-Wl,--as-needed'];
}

/** Compiles into `folder/lib`, from the sources of the installed package and `folder/deps`. */
export async function compileBinding(folder, python) {
  const tfjsNode = dirname(resolvePackage('@tensorflow/tfjs-node-gpu/package.json'));
  const sources = ['binding', 'binding.gyp', 'package.json'];
  for (const name of sources) cpSync(join(tfjsNode, name), join(folder, name), { recursive: true });
  const rpath = process.platform === 'darwin' ? ['-Wl,-rpath,@loader_path/../../deps/lib'] : [];
  const linkFlags = [process.env.LDFLAGS, ...rpath, ...cudaFlags(join(folder, 'deps', 'lib'))].filter(Boolean).join(' ');
  const env = { npm_config_node_gyp: nodeGyp(), ...process.env, CXX: compiler(), LDFLAGS: linkFlags, PYTHON: python, npm_config_python: python };
  const nodePreGyp = resolvePackage('@mapbox/node-pre-gyp/bin/node-pre-gyp');
  await run(process.execPath, [nodePreGyp, 'install', '--build-from-source', ...nodeHeaders()], { name: 'node-pre-gyp', cwd: folder, env });
  if (process.platform === 'linux') {
    const include = join(folder, 'deps', 'include');
    const output = join(folder, 'lib', 'quiet-log.node');
    await run(compiler(), ['-std=c++17', '-O1', '-shared', '-fPIC', '-fvisibility=hidden', `-I${include}`, quietLogSource, '-o', output]);
  }
  const results = ['deps', 'lib'];
  for (const name of readdirSync(folder)) if (!results.includes(name)) rmSync(join(folder, name), { recursive: true });
}

/** Loads the binding in a process of its own; returns what it says about itself. @throws where it does not load */
export function probeBinding(folder) {
  const binding = join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');
  const script = 'const b = require(process.argv[1]); console.log(JSON.stringify([b.TF_Version, b.isUsingGpuDevice()]))';
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', TF_FORCE_GPU_ALLOW_GROWTH: 'true' };
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script, binding], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`the compiled binding does not load: ${/^Error: (.*)/m.exec(stderr)?.[1] ?? signal}`);
  const [tensorflow, usesGpu] = JSON.parse(stdout);
  return { tensorflow, usesGpu };
}
