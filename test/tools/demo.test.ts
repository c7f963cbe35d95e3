import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../files/datasets/index.js';
import { tf, type Tensor } from '../../science/engine/index.js';
import { disposeConstants, linearsOf, type DecoderModel } from '../../science/models/index.js';
import { Chooser } from '../../tools/demo/chooser.js';
import { continueStory, heldOutPerplexity, likeliest, unigramPerplexity } from '../../tools/demo/judge.js';
import { calibrationText, demoConfig, demoVocabulary, heldOutText, windowLength } from '../../tools/demo/recipe.js';
import { storyText } from '../../tools/demo/text.js';
import { words } from '../../tools/demo/tokenizer-files.js';
import { openTestEngine } from '../helpers/engine.js';
import { loadModel } from '../helpers/load-model.js';

const demo = join(import.meta.dirname, '../../pipelines/demo');
const read = (name: string) => readFileSync(join(demo, name), 'utf8');

describe('the story grammar', () => {
  it('knows every word of stories that it has not told yet', () => {
    const known = demoVocabulary();
    expect(words(storyText(99, 50_000).text).filter((word) => !known.has(word))).toEqual([]);
  });

  it('counts its choices: k options cost ln k', () => {
    const choose = new Chooser(1);
    choose.pick(['a', 'b', 'c']);
    choose.sample([1, 2, 3, 4], 2);
    expect(choose.surprisal).toBeCloseTo(Math.log(3) + Math.log(4) + Math.log(3), 12);
  });

  it('draws options equally often', () => {
    const choose = new Chooser(5);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[choose.pick([0, 1, 2])]++;
    for (const count of counts) expect(Math.abs(count / 10_000 - 1)).toBeLessThan(0.03);
  });
});

describe('the committed demo', () => {
  let tokenizer: Tokenizer;
  let model: DecoderModel;
  let weights: Map<string, Tensor>;
  let heldOut: number[];
  beforeAll(async () => {
    await openTestEngine();
    tokenizer = await loadTokenizer(join(demo, 'model'));
    ({ model, weights } = await loadModel(join(demo, 'model')));
    heldOut = [...await tokenizer.encode(read('heldout.txt'))];
  });
  afterAll(() => {
    tf.dispose([...weights.values()]);
    disposeConstants();
  });

  it('matches the recipe', () => {
    expect(read('calibration.txt')).toBe(calibrationText().text);
    expect(read('heldout.txt')).toBe(heldOutText().text);
    expect(JSON.parse(read('model/config.json'))).toEqual(demoConfig(demoVocabulary().size));
    expect(statSync(join(demo, 'model/model.safetensors')).size).toBeLessThan(1e6);
  });

  it('has a tokenizer with the ids used in training', () => {
    const ids = demoVocabulary();
    expect(heldOut).toEqual(words(read('heldout.txt')).map((word) => ids.get(word)));
    expect(heldOut.length).toBeGreaterThanOrEqual(64 * windowLength);
  });

  it('is fluent: close to the grammar and far below token frequencies, as its card says', () => {
    const perplexity = heldOutPerplexity(model, weights, heldOut, windowLength);
    expect(perplexity).toBeLessThan(1.35 * heldOutText().grammarPerplexity);
    expect(perplexity).toBeLessThan(0.05 * unigramPerplexity(heldOut));
    expect(read('model/README.md')).toContain(`| this model | ${perplexity.toFixed(3)} |`);
  });

  it('carries number, owner and place through a story', async () => {
    const told = 'Tom and Mira had lost their shiny keys. They looked on the roof, but';
    const prompt = [...await tokenizer.encode(told)];
    const expected = [...await tokenizer.encode('they were not there. "Have you seen our shiny keys?" they asked')];
    expect(continueStory(model, weights, prompt, expected.length, likeliest).slice(prompt.length)).toEqual(expected);
  });

  it('needs its weights: half of them pruned by magnitude make it fail', () => {
    const linears = new Set(Array.from({ length: model.layers }, (_, index) => linearsOf(model.decoderLayer(index)))
      .flat().map(({ name }) => name));
    const halved = new Map([...weights].map(([name, tensor]) => [name, linears.has(name) ? withoutSmallerHalf(tensor) : tensor]));
    const dense = heldOutPerplexity(model, weights, heldOut, windowLength);
    expect(heldOutPerplexity(model, halved, heldOut, windowLength)).toBeGreaterThan(1.5 * dense);
    for (const name of linears) halved.get(name)?.dispose();
  });
});

function withoutSmallerHalf(tensor: Tensor): Tensor {
  const values = tensor.dataSync();
  const middle = values.map(Math.abs).sort()[values.length / 2];
  return tf.tensor(values.map((value) => (Math.abs(value) < middle ? 0 : value)), tensor.shape);
}
