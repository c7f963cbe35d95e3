/** The `tensorflow` engine: made in the cache once per version and machine kind, then linked into the installed package. */
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compileBinding, compilerProblem, probeBinding } from './binding.mjs';
import { createComplete, readIfComplete } from './cache.mjs';
import { cacheFolder, machineKind, setUpCommand, workerPackagesFolder } from './paths.mjs';
import { findPythonWithPip, hasNvidiaGpu, unpackTensorflow, wheelsFor } from './wheel.mjs';

/** Goes up when set-up makes the folder differently. */
const layout = 1;

const packageFolder = join(workerPackagesFolder(), 'node_modules', '@tensorflow', 'tfjs-node-gpu');

/** What the package looks for beside its code: TensorFlow's libraries and the compiled binding. */
const linkNames = ['deps', 'lib'];

const costOfWasm = `Everything works, but matrix products are about 5 times slower. To speed them up, solve this problem and run \`${setUpCommand}\`.`;

function engineFolder(wheel) {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const kind = wheel.cuda ? 'cuda' : 'cpu';
  return join(cacheFolder(), 'engine', `tensorflow-${wheel.version}-${kind}_tfjs-${version}_${machineKind}_${layout}`);
}

/** What stands in the way of making the engine from scratch; `undefined` where nothing does. */
function obstacle(wheel, python) {
  if (python === undefined) return 'no Python with pip on the PATH (pip fetches TensorFlow)';
  const compiler = compilerProblem();
  if (compiler !== undefined) return compiler;
  mkdirSync(cacheFolder(), { recursive: true });
  const { bavail, bsize } = statfsSync(cacheFolder());
  const gigabytes = (bytes) => (bytes / 1e9).toFixed(1);
  if (bavail * bsize < wheel.disk) return `${gigabytes(bavail * bsize)} GB free in ${cacheFolder()}, ${gigabytes(wheel.disk)} GB needed`;
  return undefined;
}

/** Makes the engine's folder in the cache; returns its path. @throws with the reason where that cannot be done */
async function makeEngine(wheel, say) {
  const python = findPythonWithPip();
  const problem = obstacle(wheel, python);
  if (problem !== undefined) throw new Error(problem);
  await createComplete(engineFolder(wheel), async (folder) => {
    say(`fetching ${wheel.name} ${wheel.version}${wheel.cuda ? ' and the CUDA libraries' : ''}`);
    await unpackTensorflow(python, wheel, join(folder, 'deps'));
    say('compiling the binding');
    await compileBinding(folder, python);
    return { ...probeBinding(folder), cuda: wheel.cuda };
  });
  return engineFolder(wheel);
}

/** Makes `name` in the installed package a link to the cache, without a moment in which it is missing. */
function link(name, target) {
  const path = join(packageFolder, name);
  const linked = readlink(path);
  if (linked === target) return;
  if (linked === undefined) rmSync(path, { recursive: true, force: true });
  const temporary = `${path}.${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

/** The folder of this wheel's engine that is whole: in the cache, or in an earlier cache that the package is still linked to. */
function completeFolder(wheel) {
  const folder = engineFolder(wheel);
  const linked = readlink(join(packageFolder, 'lib'));
  const candidates = [folder, ...(linked !== undefined && basename(dirname(linked)) === basename(folder) ? [dirname(linked)] : [])];
  return candidates.find((candidate) => readIfComplete(candidate) !== undefined);
}

function readlink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

function describe({ tensorflow, cuda, usesGpu }) {
  if (!cuda) return `TensorFlow ${tensorflow}`;
  return `TensorFlow ${tensorflow} for NVIDIA GPUs${usesGpu ? '' : ' (it finds none that it can use, so the CPU is used)'}`;
}

/** Makes and links the best engine that this machine can have; where that is `wasm`, the outcome says why and what it costs. */
export async function ensureEngine(say) {
  if (!existsSync(packageFolder)) throw new Error('the package @tensorflow/tfjs-node-gpu is not installed');
  const reasons = [];
  for (const wheel of wheelsFor(machineKind, hasNvidiaGpu())) {
    try {
      const ready = completeFolder(wheel);
      const folder = ready ?? (await makeEngine(wheel, say));
      for (const name of linkNames) link(name, join(folder, name));
      const gpuWarning = reasons.length === 0 ? '' : `\nNo NVIDIA GPU is used: ${reasons.join('; ')}`;
      return `${describe(readIfComplete(folder))} ${ready === undefined ? 'installed' : 'already there'}${gpuWarning}`;
    } catch (error) {
      reasons.push(error.message.split('\n')[0]);
    }
  }
  for (const name of linkNames) rmSync(join(packageFolder, name), { recursive: true, force: true });
  const reason = reasons.length === 0 ? `TensorFlow has no wheel for ${machineKind}` : reasons.join('; ');
  return `wasm, because: ${reason}\n${costOfWasm}`;
}
