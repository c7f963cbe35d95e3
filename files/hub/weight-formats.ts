/** How Hugging Face names the files of a model's weights. */
export interface WeightFormat {
  kind: 'safetensors' | 'pytorch';
  /** A model in one file. */
  single: string;
  /** Which of several files a tensor is in. */
  index: string;
  /** Of every file of weights. */
  extension: string;
}

export const safetensorsFormat: WeightFormat = {
  kind: 'safetensors', single: 'model.safetensors', index: 'model.safetensors.index.json', extension: '.safetensors',
};
const pytorchFormat: WeightFormat = {
  kind: 'pytorch', single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json', extension: '.bin',
};

/** The first that a folder has is the one that is read, as in transformers. */
export const weightFormats: readonly WeightFormat[] = [safetensorsFormat, pytorchFormat];

/** Files of weights that may hold anything, under names that transformers does not look for. */
export const otherPickles = /^([^/]*\.(bin|pt|pth|ckpt)|consolidated.*)$/;

/** What a file of PyTorch weights is called when it is written as safetensors: `pytorch_model-00001-of-00002.bin` is `model-00001-of-00002.safetensors`. */
export function safetensorsName(file: string): string {
  return file.replace(/^pytorch_model/, 'model').replace(/\.bin$/, '.safetensors');
}

export function isWeightFile(file: string): boolean {
  return weightFormats.some(({ extension }) => file.endsWith(extension));
}
