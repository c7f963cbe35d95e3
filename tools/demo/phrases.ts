import type { Noun, Person } from './lexicon.js';

/** One character or two, with the words that agree with them. */
export interface Party {
  name: string;
  he: string;
  him: string;
  his: string;
  /** The possessive in their own speech: `my` or `our`. */
  my: string;
  was: string;
  number: 'alone' | 'together';
}

export const alone = (person: Person): Party => ({ ...person, my: 'my', was: 'was', number: 'alone' });
export const together = (a: Person, b: Person): Party => ({
  name: `${a.name} and ${b.name}`, he: 'they', him: 'them', his: 'their', my: 'our', was: 'were', number: 'together',
});

/** One thing, or several of a kind, with the words that agree with it. */
export interface Item {
  /** With its quality and without an article, for example `old key`. */
  bare: string;
  /** The form at first mention, for example `an old key` or `some old keys`. */
  some: string;
  it: string;
  they: string;
  are: string;
  were: string;
}

export function item(quality: string, noun: Noun, many: boolean): Item {
  const bare = `${quality} ${many ? noun.many : noun.one}`;
  return many
    ? { bare, some: `some ${bare}`, it: 'them', they: 'they', are: 'are', were: 'were' }
    : { bare, some: `${article(bare)} ${bare}`, it: 'it', they: 'it', are: 'is', were: 'was' };
}

/** Returns `a` or `an`, depending on the next letter. */
export const article = (phrase: string) => (/^[aeiou]/.test(phrase) ? 'an' : 'a');

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
