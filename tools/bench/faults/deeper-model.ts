import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensorsHeader, readTensorBytes, writeSafetensors } from '../../../files/checkpoints/index.js';

const ofLayer = /^(model\.layers\.)(\d+)(\..+)$/;

/**
 * Makes a deeper model from a LLaMA in a single file by repeating its layers in order.
 * @param folder the folder of the new model
 */
export async function deeperModel(model: string, layers: number, folder: string): Promise<void> {
  cpSync(model, folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')) as { num_hidden_layers: number };
  const { tensors } = await readSafetensorsHeader(join(model, 'model.safetensors'));
  const copies = [...tensors.values()].flatMap((info) => {
    const { name, dtype, shape } = info;
    const data = (): Promise<Uint8Array> => readTensorBytes(info);
    const [, start, layer, end] = ofLayer.exec(name) ?? [];
    if (start === undefined) return [{ name, dtype, shape, data }];
    const same = Array.from({ length: layers }, (_, index) => index).filter((index) => index % config.num_hidden_layers === Number(layer));
    return same.map((index) => ({ name: `${start}${index}${end}`, dtype, shape, data }));
  });
  await writeSafetensors(join(folder, 'model.safetensors'), copies);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: layers }));
}
