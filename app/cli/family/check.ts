/**
 * What to know about a model folder before its family is trusted: its names, its keys, and its logits compared with those of transformers.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeTensor, findTensor, openCheckpoint, readSafetensorsHeader, readTensor, readTensorBytes, resolveTensors, storedOf, type Checkpoint } from '../../../files/checkpoints/index.js';
import { openEngine, tf, type EngineRequest, type Tensor } from '../../../science/engine/index.js';
import { forwardLogits, inStoredLayout, modelFromConfig, unreadKeys, type DecoderModel, type TensorSpec } from '../../../science/models/index.js';
import { CommandLineError } from '../errors.js';

export interface FamilyCheck {
  family: string;
  layers: number;
  /** Tensors that the family needs and the checkpoint does not have. */
  missing: string[];
  /** Tensors of the checkpoint that the family does not read. */
  unused: string[];
  /** Keys of `config.json` that the family does not read. */
  unread: string[];
  /**
   * Largest difference from the logits of `expected.safetensors`, in standard deviations of these. Absent if the file or tensors are
   * missing.
   */
  logits?: { error: number; limit: number };
}

/** Largest difference of logits that counts as rounding, in standard deviations. */
export const logitsLimit = 1e-4;
const expectedFile = 'expected.safetensors';

/** @throws the errors of checkpoints, models and engines */
export async function checkFamily(folder: string, { backend }: Pick<EngineRequest, 'backend'>): Promise<FamilyCheck> {
  const checkpoint = await openCheckpoint(folder);
  const where = join(folder, 'config.json');
  const model = inStoredLayout(modelFromConfig(checkpoint.config, where), (name) => checkpoint.tensors.has(name));
  const specs = tensorsOf(model);
  const found = specs.map((spec) => findTensor(checkpoint, storedOf(spec))?.name);
  const used = new Set(found);
  const missing = [...new Set(specs.filter((_, index) => found[index] === undefined).map((spec) => storedOf(spec).name))];
  const facts = {
    family: model.family, layers: model.layers, missing,
    unused: [...checkpoint.tensors.keys()].filter((name) => !used.has(name)),
    unread: unreadKeys(checkpoint.config, where),
  };
  if (missing.length > 0 || !(await exists(join(folder, expectedFile)))) return facts;
  await openEngine({ backend });
  return { ...facts, logits: { error: await logitsError(checkpoint, model, specs), limit: logitsLimit } };
}

function tensorsOf(model: DecoderModel): TensorSpec[] {
  const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index).tensors);
  const specs = [...model.embeddingTensors, ...layers.flat(), ...model.headTensors];
  return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
}

async function logitsError(checkpoint: Checkpoint, model: DecoderModel, specs: readonly TensorSpec[]): Promise<number> {
  const { ids, logits: expected } = await readExpected(join(checkpoint.folder, expectedFile));
  const weights = new Map<string, Tensor>();
  for (const [name, info] of resolveTensors(checkpoint, specs)) weights.set(name, tf.tensor(await readTensor(info), [...info.shape]));
  const logits = await forwardLogits(model, weights, tf.tensor2d(ids.values, ids.shape as [number, number], 'int32')).data<'float32'>();
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  const deviation = Math.sqrt(expected.reduce((sum, value) => sum + (value - mean) ** 2, 0) / expected.length);
  return logits.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0) / deviation;
}

/** @throws CommandLineError if the file lacks a tensor, or if a tensor has the wrong dtype or shape */
async function readExpected(file: string): Promise<{ ids: { values: Int32Array; shape: readonly number[] }; logits: Float32Array }> {
  const { tensors } = await readSafetensorsHeader(file);
  const [ids, logits] = ['input_ids', 'logits'].map((name) => tensors.get(name));
  if (ids?.dtype !== 'I32' || ids.shape.length !== 2 || logits?.dtype !== 'F32') {
    throw new CommandLineError({ where: file, what: 'the tensors to compare are missing', expected: 'input_ids (I32, [batch, time]) and logits (F32)', remedy: 'Write the file with tools/family/make-reference.py' });
  }
  const { buffer, byteOffset, byteLength } = await readTensorBytes(ids);
  return { ids: { values: new Int32Array(buffer, byteOffset, byteLength / 4), shape: ids.shape }, logits: decodeTensor(logits, await readTensorBytes(logits)) };
}

const exists = (file: string): Promise<boolean> => access(file).then(() => true, () => false);
