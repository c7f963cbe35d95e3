import { Chooser } from './chooser.js';
import { story } from './story.js';
import { words } from './tokenizer-files.js';

export interface StoryText {
  /** One story a line. */
  text: string;
  tokens: number;
  /** Perplexity of the choices that made it, spread over its tokens: what a perfect reader of whole stories would score. */
  grammarPerplexity: number;
}

/** Whole stories from a seed, until there are at least so many tokens. */
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

/** Token ids of stories without end. */
export function* storyTokens(seed: number, ids: ReadonlyMap<string, number>): Generator<number, never> {
  const choose = new Chooser(seed);
  for (;;) {
    for (const word of words(story(choose))) yield ids.get(word) as number;
  }
}
