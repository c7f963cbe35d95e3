import { readFile, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  CheckpointNotFoundError, IndexMismatchError, MalformedJsonError, MissingConfigError, MissingShardError,
  NoWeightsError, PickleCheckpointError, TensorInTwoShardsError, list,
} from './errors.js';
import { readSafetensorsHeader, type TensorInfo } from './safetensors-header.js';
import { readStateDict } from './pytorch/state-dict.js';
import { otherPickles, weightFormats, type WeightFormat } from '../hub/weight-formats.js';

/** A model folder in Hugging Face layout whose headers have been read and checked. */
export interface Checkpoint {
  /** Absolute path. */
  folder: string;
  /** `config.json`. */
  config: Record<string, unknown>;
  /** All tensors of all weight files. */
  tensors: ReadonlyMap<string, TensorInfo>;
  /** Absolute paths, sorted. */
  weightFiles: string[];
  format: WeightFormat;
  /** For weights in shards: names in the index that are in no shard. */
  unfound?: readonly string[];
}

/**
 * Opens a model folder: one `model.safetensors`, or shards with `model.safetensors.index.json`; if neither exists, the same for
 * `pytorch_model.bin`. Reads headers only.
 * An index may name tensors that no shard has. This is an error only if the model needs one of them (`resolveTensors`).
 *
 * @throws CheckpointNotFoundError, PickleCheckpointError, NoWeightsError, MissingConfigError, MalformedJsonError,
 *   MissingShardError, IndexMismatchError, TensorInTwoShardsError, and the errors of `readSafetensorsHeader` and `readStateDict`
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const root = resolve(folder);
  const names = await listFolder(root);
  const format = weightFormats.find(({ single, index }) => names.includes(single) || names.includes(index));
  if (format === undefined) throw noWeights(root, names);
  const weightMap = await readWeightMap(root, names, format);
  if (!names.includes('config.json')) {
    throw new MissingConfigError({
      what: 'the folder has no config.json', where: root, remedy: "Copy the model's config.json next to its weights",
    });
  }
  const config = await readJsonObject(join(root, 'config.json'));
  const weightFiles = weightMap === undefined ? [format.single] : [...new Set(weightMap.values())].sort();
  const tensors = asMatrices(await readAllHeaders(format, weightFiles.map((name) => join(root, name))), format);
  const checkpoint = { folder: root, config, tensors, format, weightFiles: weightFiles.map((name) => join(root, name)) };
  if (weightMap === undefined) return checkpoint;
  checkIndex(weightMap, tensors, join(root, format.index));
  return { ...checkpoint, unfound: [...weightMap.keys()].filter((name) => !tensors.has(name)) };
}

/** Names of tensors that hold all experts of a layer, `[experts, out, in]`. */
const packedExperts = /\.experts\.(gate_up_proj|down_proj)$/;

/** Views packed experts as matrices `[experts * out, in]`. The bytes are the same, and written files keep the original shapes. */
function asMatrices(tensors: ReadonlyMap<string, TensorInfo>, { kind }: WeightFormat): ReadonlyMap<string, TensorInfo> {
  if (kind !== 'safetensors') return tensors;
  const isPacked = ({ name, shape }: TensorInfo): boolean => shape.length === 3 && packedExperts.test(name);
  return new Map([...tensors].map(([name, info]) => [name, isPacked(info) ? { ...info, shape: [info.shape[0] * info.shape[1], info.shape[2]] } : info]));
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new CheckpointNotFoundError({
      what: code === 'ENOENT' ? 'there is no such folder' : 'this is not a folder', where: folder,
      expected: 'a model folder in Hugging Face layout', remedy: 'Correct model.source',
    }, { cause: error });
  }
}

/** Reads the map from tensor name to shard; `undefined` for a checkpoint with a single file. */
async function readWeightMap(folder: string, names: readonly string[], { single, index, extension }: WeightFormat): Promise<Map<string, string> | undefined> {
  if (names.includes(single)) return undefined;
  const where = join(folder, index);
  const weightMap = (await readJsonObject(where)).weight_map;
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw new MalformedJsonError({ what: 'the index has no object "weight_map"', where, remedy: 'Get the index again' });
  }
  const map = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || basename(shard) !== shard || !shard.endsWith(extension)) {
      throw new MalformedJsonError({
        what: `the shard of tensor ${tensor} is ${JSON.stringify(shard)}`, where,
        expected: `the name of a ${extension} file in the same folder`, remedy: 'Get the index again',
      });
    }
    map.set(tensor, shard);
  }
  const missing = [...new Set(map.values())].filter((shard) => !names.includes(shard)).sort();
  if (missing.length > 0) {
    throw new MissingShardError({
      what: `the index names files that do not exist: ${list(missing)}`, where, remedy: 'Get the missing files',
    });
  }
  return map;
}

function noWeights(folder: string, names: readonly string[]): Error {
  const expected = weightFormats.map(({ single, index }) => `${single}, or shards with ${index}`).join('; ');
  const pickles = names.filter((name) => otherPickles.test(name));
  if (pickles.length > 0) {
    return new PickleCheckpointError({
      what: `the weights are in files of a kind that is not supported (${list(pickles)})`, where: folder, expected,
      remedy: 'Convert them where you trust them: python -c "from transformers import AutoModelForCausalLM as M; '
        + `M.from_pretrained('${folder}').save_pretrained('${folder}-safetensors')"`,
    });
  }
  return new NoWeightsError({
    what: `the folder has no weights; found: ${names.length === 0 ? 'nothing' : list(names)}`, where: folder, expected,
    remedy: 'Give a folder in Hugging Face layout; GGUF, ONNX, TensorFlow and Flax files cannot be pruned',
  });
}

async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MalformedJsonError({ what: `this is not JSON (${error.message})`, where: path, remedy: 'Get the file again' }, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedJsonError({ what: 'this is not a JSON object', where: path, remedy: 'Get the file again' });
  }
  return value as Record<string, unknown>;
}

async function readAllHeaders({ kind }: WeightFormat, files: readonly string[]): Promise<Map<string, TensorInfo>> {
  const tensors = new Map<string, TensorInfo>();
  for (const file of files) {
    const own = kind === 'safetensors' ? (await readSafetensorsHeader(file)).tensors : await readStateDict(file);
    for (const [name, info] of own) {
      const other = tensors.get(name);
      if (other !== undefined) {
        throw new TensorInTwoShardsError({
          what: `tensor ${name} is also in ${basename(other.file)}`, where: file,
          remedy: 'Remove files that do not belong to this checkpoint, or get it again',
        });
      }
      tensors.set(name, info);
    }
  }
  return tensors;
}

function checkIndex(weightMap: ReadonlyMap<string, string>, tensors: ReadonlyMap<string, TensorInfo>, where: string): void {
  const wrong: string[] = [];
  for (const [name, shard] of weightMap) {
    const info = tensors.get(name);
    if (info !== undefined && basename(info.file) !== shard) wrong.push(`${name} (in ${basename(info.file)}; the index says ${shard})`);
  }
  if (wrong.length > 0) {
    throw new IndexMismatchError({
      what: `tensors are not where the index says: ${list(wrong)}`, where, remedy: 'Get the index and the shards again, from one revision',
    });
  }
}
