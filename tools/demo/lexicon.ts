/** The words of the demo's stories. */

export interface Person {
  name: string;
  he: string;
  him: string;
  his: string;
}

const person = (he: string, him: string, his: string) => (name: string): Person => ({ name, he, him, his });
export const people: readonly Person[] = [
  ...['Mira', 'Ana', 'Zoe', 'Lina', 'Ruth', 'Nora', 'Ivy', 'Elsa'].map(person('she', 'her', 'her')),
  ...['Tom', 'Omar', 'Ben', 'Hugo', 'Karl', 'Milo', 'Finn', 'Otto'].map(person('he', 'him', 'his')),
];

export interface Noun {
  one: string;
  many: string;
}

const regular = (one: string): Noun => ({ one, many: `${one}s` });
export const things: readonly Noun[] = [
  ...['kite', 'ball', 'drum', 'bell', 'key', 'shell', 'lamp', 'apple', 'egg', 'orange', 'coin', 'feather', 'whistle', 'book', 'button', 'ring']
    .map(regular),
  { one: 'brush', many: 'brushes' },
  { one: 'leaf', many: 'leaves' },
];
export const qualities = ['red', 'blue', 'green', 'old', 'shiny', 'tiny', 'heavy', 'ugly', 'round', 'empty', 'pretty', 'yellow'] as const;

export const spots = [
  'under the bench', 'under the bed', 'behind the door', 'behind the barn', 'in the box', 'in the basket', 'on the shelf', 'on the roof',
  'beside the well', 'beside the gate', 'near the bridge', 'between the rocks',
] as const;
export const places = ['garden', 'market', 'forest', 'beach', 'school', 'farm', 'hill', 'river', 'village', 'lake'] as const;
export const relatives = ['mother', 'father', 'sister', 'brother', 'aunt', 'uncle'] as const;
export const times = ['morning', 'afternoon', 'day'] as const;
export const moods = ['happy', 'proud', 'tired', 'glad'] as const;

/** Each kind of weather asks for its own clothes. */
export const weathers = [
  { sky: 'raining', alone: 'boots', together: 'boots' },
  { sky: 'snowing', alone: 'coat', together: 'coats' },
  { sky: 'sunny', alone: 'hat', together: 'hats' },
  { sky: 'windy', alone: 'scarf', together: 'scarves' },
] as const;

/** Each animal eats its own food. */
export const animals = [
  { name: 'dog', food: 'a bone' },
  { name: 'cat', food: 'some milk' },
  { name: 'goat', food: 'some grass' },
  { name: 'bird', food: 'some seeds' },
  { name: 'mouse', food: 'some cheese' },
  { name: 'horse', food: 'a carrot' },
  { name: 'owl', food: 'a worm' },
  { name: 'bear', food: 'some honey' },
] as const;
export const needs = ['hungry', 'lost', 'cold', 'afraid'] as const;

/** `numbers[n]` is the word for n. */
export const numbers = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'] as const;
