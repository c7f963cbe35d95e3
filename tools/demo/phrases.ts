import type { Noun, Person } from './lexicon.js';

/** A character, or two of them together, with the words that agree with them. */
export interface Party {
  name: string;
  he: string;
  him: string;
  his: string;
  /** As said by themselves. */
  my: string;
  was: string;
  number: 'alone' | 'together';
}

export const alone = (person: Person): Party => ({ ...person, my: 'my', was: 'was', number: 'alone' });
export const together = (a: Person, b: Person): Party => ({
  name: `${a.name} and ${b.name}`, he: 'they', him: 'them', his: 'their', my: 'our', was: 'were', number: 'together',
});

/** A thing, or several of a kind, with the words that agree with it. */
export interface Item {
  /** With its quality and without article, for example `old key`. */
  bare: string;
  /** As it is first spoken of, for example `an old key` or `some old keys`. */
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

/** `a` or `an`, by the letter that follows. */
export const article = (phrase: string) => (/^[aeiou]/.test(phrase) ? 'an' : 'a');

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
