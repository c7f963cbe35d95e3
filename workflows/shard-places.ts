/** Which worker has which shard. Pure, so that a replay decides the same. */

/**
 * Gives every shard one of the places. A shard stays where it is, since its hidden states are there, unless that place is gone, or
 * another one has at least two shards less: then the last shards of the fullest place move.
 *
 * @param before the place of each shard so far; empty at the beginning
 * @param places in the order in which they came; at least one
 * @param count of shards
 */
export function assignShards(before: readonly (string | undefined)[], places: readonly string[], count: number): string[] {
  const shards = Array.from({ length: count }, (_, shard) => before.at(shard)).map((place) => (place !== undefined && places.includes(place) ? place : undefined));
  const load = (place: string): number => shards.filter((one) => one === place).length;
  /** The first of those with the least. */
  const emptiest = (): string => places.reduce((least, place) => (load(place) < load(least) ? place : least));
  for (const [shard, place] of shards.entries()) if (place === undefined) shards[shard] = emptiest();
  for (;;) {
    const least = emptiest();
    const most = places.reduce((fullest, place) => (load(place) > load(fullest) ? place : fullest));
    if (load(most) - load(least) < 2) return shards as string[];
    shards[shards.lastIndexOf(most)] = least;
  }
}
