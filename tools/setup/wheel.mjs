/** Which TensorFlow wheel serves this machine, and how its headers and libraries are taken out of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './console.mjs';
import { onPath } from './paths.mjs';

export const tensorflowVersion = '2.21.0';

/** Only native parts of the wheel are used, so any Python version that it exists for will do, whatever is installed here. */
const python = { version: '3.11', abi: 'cp311' };

const manylinux = (machine) => ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_17', 'manylinux2014'].map((tag) => `${tag}_${machine}`);

const platforms = {
  'linux-x64': { cpu: 'tensorflow-cpu', gpu: 'tensorflow', tags: manylinux('x86_64') },
  'linux-arm64': { cpu: 'tensorflow', tags: manylinux('aarch64') },
  'darwin-arm64': { cpu: 'tensorflow', tags: ['macosx_12_0_arm64'] },
};

/**
 * Wheels for a machine kind (`linux-x64`), the best first; none where TensorFlow has none.
 * `disk`: bytes that it takes while being unpacked, wheel included.
 */
export function wheelsFor(machineKind, hasNvidiaGpu) {
  const platform = platforms[machineKind];
  if (platform === undefined) return [];
  const wheel = (name, cuda) => ({ name, version: tensorflowVersion, tags: platform.tags, cuda, disk: (cuda ? 9 : 1.5) * 1e9 });
  return [...(hasNvidiaGpu && platform.gpu ? [wheel(platform.gpu, true)] : []), wheel(platform.cpu, false)];
}

/** Whether NVIDIA's driver answers and lists a GPU. */
export function hasNvidiaGpu() {
  try {
    return execFileSync('nvidia-smi', ['-L'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 }).includes('GPU ');
  } catch {
    return false;
  }
}

/** A Python on the PATH that has pip. */
export function findPythonWithPip() {
  return [...onPath('python3'), ...onPath('python')].find((candidate) => {
    try {
      execFileSync(candidate, ['-m', 'pip', '--version'], { stdio: 'ignore', timeout: 60_000 });
      return true;
    } catch {
      return false;
    }
  });
}

/** What the binding's two includes, and the log level's, lead to. The whole include folder is 287 MB; this is 1 MB. */
const headers = '(tensorflow/c/|tensorflow/core/platform/ctstring|tsl/platform/ctstring|xla/tsl/c/|absl/(base|log|strings)/).*\\.h';
const unpacker = `
import os, re, shutil, sys, zipfile
wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        header = re.fullmatch(r"tensorflow/include/(${headers})", name)
        library = re.fullmatch(r"(?:tensorflow|nvidia/.*/lib)/(lib[^/]*\\.(?:so|dylib)(?:\\.[^/]*)?)", name)
        if header or library:
            path = os.path.join(target, "include/" + header[1] if header else "lib/" + library[1])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    metadata = next(name for name in archive.namelist() if re.fullmatch(r"[^/]*\\.dist-info/METADATA", name))
    for line in archive.read(metadata).decode().splitlines():
        cuda = re.fullmatch(r'Requires-Dist: (.*?) *; *extra == .and-cuda.', line)
        if cuda:
            print(cuda[1])
`;

/** Downloads one wheel, unpacks what is needed of it into `target`, deletes it; returns the CUDA packages that it names. */
async function unpackWheel(pythonPath, requirement, tags, target) {
  const folder = join(target, 'wheel');
  const platformFlags = tags.flatMap((tag) => ['--platform', tag]);
  const flags = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--disable-pip-version-check', '--progress-bar', 'off'];
  const pythonFlags = ['--implementation', 'cp', '--python-version', python.version, '--abi', python.abi];
  const args = ['-m', 'pip', 'download', ...flags, ...platformFlags, ...pythonFlags, '-d', folder, requirement];
  await run(pythonPath, args, { name: `pip download ${requirement}` });
  const [file] = readdirSync(folder);
  const named = execFileSync(pythonPath, ['-c', unpacker, join(folder, file), target], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return named.split('\n').filter((line) => line !== '');
}

/**
 * Fills `target` with `include/` and `lib/` of a wheel, the libraries also under the names that the binding links to.
 * pip uses its own configured index and checks the digest of what it downloads.
 */
export async function unpackTensorflow(pythonPath, wheel, target) {
  mkdirSync(target, { recursive: true });
  const cudaPackages = await unpackWheel(pythonPath, `${wheel.name}==${wheel.version}`, wheel.tags, target);
  for (const requirement of wheel.cuda ? cudaPackages : []) await unpackWheel(pythonPath, requirement, wheel.tags, target);
  const libraries = readdirSync(join(target, 'lib'));
  for (const [library, part] of [['tensorflow', 'tensorflow_cc'], ['tensorflow_framework', 'tensorflow_framework']]) {
    const file = libraries.find((name) => name.startsWith(`lib${part}.`));
    if (file === undefined) throw new Error(`the wheel ${wheel.name} ${wheel.version} has no lib${part}`);
    const links = file.endsWith('.dylib') ? [`lib${library}.2.dylib`, `lib${library}.dylib`] : [`lib${library}.so`];
    for (const link of links) if (link !== file) symlinkSync(file, join(target, 'lib', link));
  }
}
