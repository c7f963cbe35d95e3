/** Names of a model's weight files on Hugging Face. */
export interface WeightFormat {
  kind: 'safetensors' | 'pytorch';
  /** Name of the file if there is only one. */
  single: string;
  /** Name of the index, which maps tensors to files. */
  index: string;
  /** Extension of all weight files. */
  extension: string;
}

export const safetensorsFormat: WeightFormat = {
  kind: 'safetensors', single: 'model.safetensors', index: 'model.safetensors.index.json', extension: '.safetensors',
};
const pytorchFormat: WeightFormat = {
  kind: 'pytorch', single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json', extension: '.bin',
};

/** In order of preference, as in transformers: the first format found in a folder is read. */
export const weightFormats: readonly WeightFormat[] = [safetensorsFormat, pytorchFormat];

/** Pickle files of weights under names that transformers does not look for. */
export const otherPickles = /^([^/]*\.(bin|pt|pth|ckpt)|consolidated.*)$/;

/** The safetensors name for a PyTorch weight file: `pytorch_model-00001-of-00002.bin` becomes `model-00001-of-00002.safetensors`. */
export function safetensorsName(file: string): string {
  return file.replace(/^pytorch_model/, 'model').replace(/\.bin$/, '.safetensors');
}

/** Files in which loaders look for weights. If one of another checkpoint is in a folder, they may load it instead of, or with, the right ones. */
export const loadedWeights = /^(model|pytorch_model|tf_model|flax_model)[^/]*\.(safetensors|bin|h5|msgpack)(\.index\.json)?$/;

export function isWeightFile(file: string): boolean {
  return weightFormats.some(({ extension }) => file.endsWith(extension));
}
