/** Names of linears: their decoder layer, their name within it, and alternative spellings. */

const numbered = /(^|\.)(\d+)\./;

/** Returns the decoder layer in a tensor's name, which is the first number between dots; undefined if there is none. */
export function layerOf(name: string): number | undefined {
  const match = numbered.exec(name);
  return match === null ? undefined : Number(match[2]);
}

/** Returns the part of a name after the layer's number, without `.weight`: `self_attn.q_proj`. */
export function shortName(name: string): string {
  const match = numbered.exec(name);
  return (match === null ? name : name.slice(match.index + match[0].length)).replace(/\.weight$/, '');
}

/** Removes a leading `model.`, which some checkpoints omit: `decoder.layers.0...` and `model.decoder.layers.0...` are the same tensor. */
export function canonicalName(name: string): string {
  return name.replace(/^model\./, '');
}

/** Returns a function that looks up names, exactly or else by their canonical form. */
export function nameFinder<T>(entries: Iterable<readonly [string, T]>): (name: string) => T | undefined {
  const exact = new Map(entries);
  const canonical = new Map([...exact].map(([name, value]) => [canonicalName(name), value]));
  return (name) => exact.get(name) ?? canonical.get(canonicalName(name));
}

/** Groups items by decoder layer, in order of layers. Items without a layer come last, under undefined. */
export function byLayer<T extends { name: string }>(items: readonly T[]): [number | undefined, T[]][] {
  const layers = new Map<number | undefined, T[]>();
  for (const item of items) {
    const layer = layerOf(item.name);
    layers.set(layer, [...(layers.get(layer) ?? []), item]);
  }
  return [...layers].sort(([a], [b]) => (a ?? Infinity) - (b ?? Infinity));
}
