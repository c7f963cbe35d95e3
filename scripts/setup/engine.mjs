/** The `tensorflow` engine: made in the cache once per version and machine kind, then linked into the installed package. */
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { compileBinding, compilerProblem, probeBinding } from './binding.mjs';
import { makeWhole, readWhole } from './cache.mjs';
import { cacheFolder, machineKind, packageRoot } from './places.mjs';
import { findPythonWithPip, hasNvidiaGpu, unpackTensorflow, wheelsFor } from './wheel.mjs';

/** Goes up when set-up makes the folder differently. */
const layout = 1;

const packageFolder = join(packageRoot, 'node_modules', '@tensorflow', 'tfjs-node-gpu');

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

async function makeEngine(wheel, say) {
  const python = findPythonWithPip();
  const problem = obstacle(wheel, python);
  if (problem !== undefined) throw new Error(problem);
  return makeWhole(engineFolder(wheel), async (folder) => {
    say(`fetching ${wheel.name} ${wheel.version}${wheel.cuda ? ' and the CUDA libraries' : ''}`);
    await unpackTensorflow(python, wheel, join(folder, 'deps'));
    say('compiling the binding');
    await compileBinding(folder, python);
    const { version, usesGpu } = probeBinding(folder);
    if (wheel.cuda && !usesGpu) throw new Error(`TensorFlow ${version} for NVIDIA GPUs does not find a GPU that it can use`);
    return { tensorflow: version, cuda: wheel.cuda };
  });
}

/** Makes `name` in the installed package a link to the cache, without a moment in which it is missing. */
function link(name, target) {
  const path = join(packageFolder, name);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && readlinkSync(path) === target) return;
  if (there !== undefined && !there.isSymbolicLink()) rmSync(path, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

function describe(manifest) {
  return `TensorFlow ${manifest.tensorflow}${manifest.cuda ? ' for NVIDIA GPUs' : ''}`;
}

/** Makes and links the best engine that this machine can have; where that is `wasm`, the outcome says why and what it costs. */
export async function ensureEngine(say) {
  if (!existsSync(packageFolder)) throw new Error('the package @tensorflow/tfjs-node-gpu is not installed');
  const reasons = [];
  for (const wheel of wheelsFor(machineKind, hasNvidiaGpu())) {
    try {
      const ready = readWhole(engineFolder(wheel));
      const manifest = ready ?? (await makeEngine(wheel, say));
      for (const name of ['deps', 'lib']) link(name, join(engineFolder(wheel), name));
      const regret = reasons.length === 0 ? '' : `; ${reasons.join('; ')}`;
      return `${describe(manifest)} ${ready === undefined ? 'installed' : 'already there'}${regret}`;
    } catch (error) {
      reasons.push(error.message.split('\n')[0]);
    }
  }
  if (reasons.length === 0) reasons.push(`TensorFlow has no wheel for ${machineKind}`);
  return `wasm\n  Why: ${reasons.join('; ')}.\n  The cost: matrix products are about 5 times slower; everything works. To mend it, solve that and run \`npm run setup\``;
}
