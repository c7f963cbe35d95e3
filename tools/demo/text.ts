import { Chooser } from './chooser.js';
import { story } from './story.js';
import { words } from './tokenizer-files.js';

export interface StoryText {
  /** One story per line. */
  text: string;
  tokens: number;
  /** Perplexity of the choices that made the text, spread over its tokens. A perfect reader of whole stories would reach it. */
  grammarPerplexity: number;
}

/** Makes whole stories from a seed, until there are at least `tokens` tokens. */
export function storyText(seed: number, tokens: number): StoryText {
  const choose = new Chooser(seed);
  const lines: string[] = [];
  let made = 0;
  while (made < tokens) {
    const line = story(choose);
    made += words(line).length;
    lines.push(line);
  }
  return { text: `${lines.join('\n')}\n`, tokens: made, grammarPerplexity: Math.exp(choose.surprisal / made) };
}

/** Generates token ids of an endless series of stories. */
export function* storyTokens(seed: number, ids: ReadonlyMap<string, number>): Generator<number, never> {
  const choose = new Chooser(seed);
  for (;;) {
    for (const word of words(story(choose))) yield ids.get(word) as number;
  }
}
