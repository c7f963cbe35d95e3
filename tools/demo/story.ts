import type { Chooser } from './chooser.js';
import { animals, moods, needs, numbers, people, places, qualities, relatives, spots, things, times, weathers } from './lexicon.js';
import { alone, article, capital, item, together, type Item, type Party } from './phrases.js';

/** The facts of a story. Later sentences must agree with earlier ones. */
interface Cast {
  hero: Party;
  friend: Party;
  relative: string;
  place: string;
  treasure: Item;
}

type Scene = (choose: Chooser, cast: Cast) => string[];

/**
 * Makes one story on one line: an opening, two different scenes and an ending. Characters, their things and places stay consistent
 * throughout, so that predicting names, pronouns, numbers and places takes memory.
 */
export function story(choose: Chooser): string {
  const [first, second, third] = choose.sample(people, 3);
  const cast: Cast = {
    hero: choose.pick([false, false, true]) ? together(first, second) : alone(first),
    friend: alone(third),
    relative: choose.pick(relatives),
    place: choose.pick(places),
    treasure: pickItem(choose),
  };
  const scenes = choose.sample<Scene>([lost, share, animal, trade, moved], 2);
  return [opening, ...scenes, ending].flatMap((scene) => scene(choose, cast)).join(' ');
}

const pickItem = (choose: Chooser): Item => item(choose.pick(qualities), choose.pick(things), choose.pick([false, true]));

const opening: Scene = (choose, { hero, relative, place }) => {
  const weather = choose.pick(weathers);
  return [
    choose.pick([
      () => `One ${choose.pick(times)}, ${hero.name} ${choose.pick(['walked', 'ran', 'went'])} to the ${place} with ${hero.his} ${relative}.`,
      () => `${hero.name} lived near the ${place} with ${hero.his} ${relative}.`,
    ])(),
    `It was ${weather.sky}, so ${hero.he} wore ${hero.his} ${choose.pick(qualities)} ${weather[hero.number]}.`,
  ];
};

const lost: Scene = (choose, { hero, friend, treasure }) => {
  const [wrong, right] = choose.sample(spots, 2);
  const { bare, it, they, are, were } = treasure;
  return [
    choose.pick([`${hero.name} had lost ${hero.his} ${bare}.`, `Then ${hero.name} could not find ${hero.his} ${bare}.`]),
    `${capital(hero.he)} looked ${wrong}, but ${they} ${were} not there.`,
    `"Have you seen ${hero.my} ${bare}?" ${hero.he} asked ${friend.name}.`,
    choose.pick([
      `"Yes, ${they} ${are} ${right}," said ${friend.name}.`,
      `"I think ${they} ${are} ${right}," ${friend.he} answered.`,
      `"Maybe ${they} ${are} ${right}," ${friend.he} said.`,
    ]),
    choose.pick([`So ${hero.name} looked ${right} and found ${it}.`, `And there ${they} ${were}, ${right}.`]),
  ];
};

const share: Scene = (choose, { hero, friend }) => {
  const noun = choose.pick(things);
  const count = choose.pick([3, 4, 5, 6]);
  const given = choose.pick([1, 2]);
  const left = count - given;
  return [
    `${friend.name} had ${numbers[count]} ${choose.pick(qualities)} ${noun.many}.`,
    `${capital(friend.he)} ${choose.pick(['gave', 'sold'])} ${numbers[given]} of them to ${hero.name}.`,
    `Now ${friend.name} had ${numbers[left]} ${left === 1 ? noun.one : noun.many} and ${hero.name} had ${numbers[given]}.`,
  ];
};

const animal: Scene = (choose, { hero, place }) => {
  const { name, food } = choose.pick(animals);
  const quality = choose.pick(['old', 'tiny', 'ugly', 'pretty']);
  return [
    `${choose.pick(['At', 'Near', 'Behind'])} the ${place}, ${hero.name} ${choose.pick(['saw', 'met'])} ${article(quality)} ${quality} ${name}.`,
    `The ${name} was ${choose.pick(needs)}, so ${hero.he} gave it ${food}.`,
    choose.pick([
      () => `After that, the ${quality} ${name} followed ${hero.him} everywhere.`,
      () => `It ate the ${food.split(' ')[1]} and went to sleep ${choose.pick(spots)}.`,
    ])(),
  ];
};

/** After this scene, the hero's treasure is the friend's former item. */
const trade: Scene = (choose, cast) => {
  const { hero, friend, treasure: mine } = cast;
  const yours = pickItem(choose);
  cast.treasure = yours;
  return [
    `${hero.name} had ${mine.some} and ${friend.name} had ${yours.some}.`,
    `"I like your ${mine.bare}," said ${friend.name}, "and you like my ${yours.bare}."`,
    `So they traded, and now ${friend.name} had the ${mine.bare} and ${hero.name} had the ${yours.bare}.`,
  ];
};

const moved: Scene = (choose, { hero, friend, treasure }) => {
  const [before, after] = choose.sample(spots, 2);
  const { bare, it, were } = treasure;
  return [
    `${hero.name} put the ${bare} ${before} and ${choose.pick(['left', 'went home'])}.`,
    `Then ${friend.name} came, took ${it} and put ${it} ${after}.`,
    `When ${hero.name} came back, ${hero.he} looked ${before}, but the ${bare} ${were} ${after}.`,
  ];
};

const ending: Scene = (choose, { hero, friend, relative, place, treasure }) => [
  choose.pick([
    `In the evening, ${hero.name} left the ${place} and told ${hero.his} ${relative} about ${friend.name} and the ${treasure.bare}.`,
    `At night, ${hero.name} dreamed of ${friend.name}, the ${treasure.bare} and the ${place}.`,
  ]),
  `${capital(hero.he)} ${hero.was} ${choose.pick(moods)}.`,
];
