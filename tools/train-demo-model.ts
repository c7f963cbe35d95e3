/**
 * Makes `pipelines/demo/`: stories from a small grammar, a tokenizer, and a LLaMA of 0.8 MB that tells such stories fluently. It is
 * trained from scratch with the engine and the model code of this project. This takes minutes on two cores:
 *
 *   npm run build && node dist/tools/train-demo-model.js [folder, pipelines/demo by default] [steps]
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../files/checkpoints/index.js';
import { openEngine } from '../science/engine/index.js';
import { modelFromConfig } from '../science/models/index.js';
import { Chooser } from './demo/chooser.js';
import { continueStory, drawn, heldOutPerplexity, unigramPerplexity } from './demo/judge.js';
import { modelCard } from './demo/model-card.js';
import { calibrationText, demoConfig, demoVocabulary, heldOutText, training, windowLength } from './demo/recipe.js';
import { storyTokens } from './demo/text.js';
import { tokenizerConfig, tokenizerJson, words } from './demo/tokenizer-files.js';
import { Trainer } from './demo/training.js';

const folder = process.argv[2] ?? 'pipelines/demo';
const steps = Number(process.argv[3] ?? 2000);

const started = performance.now();
const ids = demoVocabulary();
const config = demoConfig(ids.size);
const engine = await openEngine({ backend: 'auto' });
const modelFolder = join(folder, 'model');
const model = modelFromConfig(config, join(modelFolder, 'config.json'));
const trainer = new Trainer(model, { ...training, steps });
const stream = storyTokens(training.stories, ids);
let smooth = Number.NaN;
for (let step = 1; step <= steps; step++) {
  const loss = trainer.train(stream);
  smooth = Number.isNaN(smooth) ? loss : 0.95 * smooth + 0.05 * loss;
  if (step % 100 === 0) console.log(`step ${step}, loss ${smooth.toFixed(4)}, ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
const seconds = (performance.now() - started) / 1000;

const calibration = calibrationText();
const heldOut = heldOutText();
const encode = (text: string) => words(text).map((word) => ids.get(word) ?? 0);
const heldOutTokens = encode(heldOut.text);
const byId = [...ids.keys()];
const choice = drawn(new Chooser(training.seed));
const tell = (prompt: string) => continueStory(model, trainer.weights, encode(prompt), 100, choice).map((id) => byId[id]).join(' ');
const samples = ['One morning, Nora ran to', 'Ben and Ivy had lost their', 'Milo put the'].map((prompt) =>
  tell(prompt).replace(/ (?=[.,?])/g, '').replace(/(^| )" /g, '$1"'));
const measured = {
  heldOut: heldOutPerplexity(model, trainer.weights, heldOutTokens, windowLength),
  grammar: heldOut.grammarPerplexity,
  unigram: unigramPerplexity(heldOutTokens),
  parameters: [...trainer.weights.values()].reduce((sum, { size }) => sum + size, 0),
  steps, seconds, engine, samples,
};

mkdirSync(modelFolder, { recursive: true });
const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
writeFileSync(join(modelFolder, 'config.json'), json(config));
writeFileSync(join(modelFolder, 'tokenizer.json'), json(tokenizerJson(ids)));
writeFileSync(join(modelFolder, 'tokenizer_config.json'), json(tokenizerConfig(config.max_position_embeddings)));
copyFileSync(new URL('../../LICENSE', import.meta.url), join(modelFolder, 'LICENSE'));
writeFileSync(join(modelFolder, 'README.md'), modelCard(measured));
writeFileSync(join(folder, 'calibration.txt'), calibration.text);
writeFileSync(join(folder, 'heldout.txt'), heldOut.text);
await writeSafetensors(
  join(modelFolder, 'model.safetensors'),
  [...trainer.weights].map(([name, tensor]) => ({
    name, dtype: 'F32', shape: tensor.shape, data: new Uint8Array(tensor.dataSync<'float32'>().slice().buffer),
  })),
  { format: 'pt' },
);
console.log(modelCard(measured));
