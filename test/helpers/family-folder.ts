import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoFolder } from './demo-run.js';
import { committedData } from './golden.js';

/** Makes a folder like the demo's, with a golden family of test/golden/families as its model, and a tokenizer that fits it. */
export async function familyFolder(name: string, target: string): Promise<string> {
  const model = join(target, 'model');
  await mkdir(target, { recursive: true });
  for (const text of ['calibration.txt', 'heldout.txt']) await cp(join(demoFolder, text), join(target, text));
  await cp(join(committedData, 'families', name), model, { recursive: true });
  await rm(join(model, 'expected.safetensors'));
  await cp(join(demoFolder, 'model', 'tokenizer_config.json'), join(model, 'tokenizer_config.json'));
  await writeFile(join(model, 'tokenizer.json'), JSON.stringify(await tokenizerOf(40)));
  return target;
}

/** The demo's tokenizer with only the most frequent words of the demo, so that it fits a small embedding. */
async function tokenizerOf(words: number): Promise<unknown> {
  const tokenizer = JSON.parse(await readFile(join(demoFolder, 'model', 'tokenizer.json'), 'utf8')) as { model: { vocab: Record<string, number> } };
  const counts = new Map<string, number>();
  for (const [word] of (await readFile(join(demoFolder, 'calibration.txt'), 'utf8')).matchAll(/\w+|[^\w\s]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].sort((a, b) => b[1] - a[1]).slice(0, words - 1);
  tokenizer.model.vocab = Object.fromEntries(['<unk>', ...frequent.map(([word]) => word)].map((word, index): [string, number] => [word, index]));
  return tokenizer;
}
