/** Decides which worker gets which shard. Pure, so that a replay makes the same decisions. */

/**
 * Assigns every shard to a place. A shard stays where it is, because its hidden states are there, unless its place is gone or another
 * place has at least two shards fewer. In that case the last shards of the fullest place move.
 *
 * @param before the current place of each shard; empty at the beginning
 * @param places the places in the order in which they joined; at least one
 * @param count the number of shards
 */
export function assignShards(before: readonly (string | undefined)[], places: readonly string[], count: number): string[] {
  const shards = Array.from({ length: count }, (_, shard) => before.at(shard)).map((place) => (place !== undefined && places.includes(place) ? place : undefined));
  const load = (place: string): number => shards.filter((one) => one === place).length;
  /** The place with the fewest shards. Ties go to the earlier place. */
  const emptiest = (): string => places.reduce((least, place) => (load(place) < load(least) ? place : least));
  for (const [shard, place] of shards.entries()) if (place === undefined) shards[shard] = emptiest();
  for (;;) {
    const least = emptiest();
    const most = places.reduce((fullest, place) => (load(place) > load(fullest) ? place : fullest));
    if (load(most) - load(least) < 2) return shards as string[];
    shards[shards.lastIndexOf(most)] = least;
  }
}
