import { join } from 'node:path';
import { findTensor, haveEqualValues, openCheckpoint, type Checkpoint } from '../files/checkpoints/index.js';
import { inStoredLayout, modelFromConfig, type DecoderModel } from '../science/models/index.js';

/** A model as activities use it: its structure, and its checkpoint, from which tensors are read. */
export interface OpenModel {
  checkpoint: Checkpoint;
  model: DecoderModel;
}

/**
 * Opens a model folder. If the config ties the language-model head to the embedding but the checkpoint holds both with different
 * values, the checkpoint's head is used, as in transformers 5.
 *
 * @throws the errors of checkpoints and models
 */
export async function openModel(folder: string): Promise<OpenModel> {
  const checkpoint = await openCheckpoint(folder);
  const where = join(folder, 'config.json');
  const load = (config: Record<string, unknown>): DecoderModel => inStoredLayout(modelFromConfig(config, where), (name) => checkpoint.tensors.has(name));
  const model = load(checkpoint.config);
  if (!(await hasOwnHead(checkpoint, model))) return { checkpoint, model };
  return { checkpoint, model: load({ ...checkpoint.config, tie_word_embeddings: false }) };
}

async function hasOwnHead(checkpoint: Checkpoint, { tied }: DecoderModel): Promise<boolean> {
  if (tied === undefined) return false;
  const [embedding, head] = [tied.embedding, tied.head].map((spec) => findTensor(checkpoint, spec));
  return embedding !== undefined && head !== undefined && !(await haveEqualValues(embedding, head));
}
