import type { Engine } from '../../science/engine/index.js';

export interface Measured {
  /** Perplexities of the held-out stories: of the model, of the grammar itself, and of token frequencies alone. */
  heldOut: number;
  grammar: number;
  unigram: number;
  parameters: number;
  steps: number;
  seconds: number;
  engine: Engine;
  samples: readonly string[];
}

/** Returns the `README.md` of the model. */
export function modelCard({ heldOut, grammar, unigram, parameters, steps, seconds, engine, samples }: Measured): string {
  return `# The demo model

A LLaMA with ${parameters.toLocaleString('en')} weights that tells stories of one kind. This project trained it from scratch, on stories
from the grammar in \`tools/demo/story.ts\`, with the project's own engine and model code, so that \`pipelines/demo.yaml\` and the
tests need no download. To train it again: \`npm run build && node dist/tools/train-demo-model.js\`. Training on another
machine gives weights that differ in their last bits; \`calibration.txt\` and \`heldout.txt\` are the same.

- ${steps} steps of Adam on 16 windows of 256 tokens, ${(seconds / 60).toFixed(1)} minutes (${engine.version}, ${engine.device}).
- A token is a word or a run of punctuation. Training, calibration and held-out stories come from different seeds.

| perplexity on \`heldout.txt\`, windows of 128 tokens | |
|---|---|
| this model | ${heldOut.toFixed(3)} |
| the grammar itself, reading whole stories | ${grammar.toFixed(3)} |
| token frequencies alone | ${unigram.toFixed(1)} |

Windows begin in the middle of stories, so the model cannot reach the grammar's own figure.

Continuations of prompts, with each token sampled by its probability. Sentences are coherent; now and then a name or a place is wrong:

${samples.map((sample) => `> ${sample}`).join('\n>\n')}
`;
}
