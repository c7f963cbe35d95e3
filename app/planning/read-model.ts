import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, type Checkpoint } from '../../files/checkpoints/index.js';
import { modelFromConfig, type DecoderModel } from '../../science/models/index.js';
import { ModelConfigMissingError } from './errors.js';
import { modelSize, type ModelSize } from '../../science/cost/model-size.js';

/** Returns the size of a model whose checkpoint is open. */
export function checkpointSize(model: DecoderModel, { tensors }: Pick<Checkpoint, 'tensors'>): ModelSize {
  let fileBytes = 0;
  let weights = 0;
  for (const { shape, begin, end } of tensors.values()) {
    fileBytes += end - begin;
    weights += shape.reduce((product, size) => product * size, 1);
  }
  return modelSize(model, { fileBytes, bytesPerWeight: fileBytes / weights });
}

/** Bytes of a weight for the config's dtype. Models without a dtype are float32. */
const dtypeBytes: Readonly<Record<string, number>> = { float32: 4, float16: 2, bfloat16: 2 };

/**
 * Reads the structure and size of the model in a folder. They follow from the checkpoint's headers, or, if there is only a `config.json`,
 * from its dtype (`dtype`, which wins over the older `torch_dtype`, as in transformers 5).
 * @throws ModelConfigMissingError, ModelConfigError, UnknownModelFamilyError
 */
export async function readModel(folder: string): Promise<{ model: DecoderModel; size: ModelSize; weights: boolean }> {
  const where = join(folder, 'config.json');
  const config = await readConfig(where);
  const model = modelFromConfig(config, where);
  const checkpoint = await openCheckpoint(folder).catch(() => undefined);
  if (checkpoint !== undefined) return { model, size: checkpointSize(model, checkpoint), weights: true };
  const dtype = config['dtype'] ?? config['torch_dtype'];
  const bytesPerWeight = (typeof dtype === 'string' ? dtypeBytes[dtype] : undefined) ?? dtypeBytes['float32'];
  return { model, size: modelSize(model, { bytesPerWeight }), weights: false };
}

async function readConfig(where: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(where, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new ModelConfigMissingError(
      {
        where,
        what: error instanceof SyntaxError ? `this is not JSON (${error.message})` : 'the file cannot be read',
        expected: "the model's config.json; its weights are not needed",
        remedy: 'Put the file there, or correct model.source',
      },
      { cause: error },
    );
  }
}
