/** Names of linears: which decoder layer, which one in it, and how two spellings of one name meet. */

const numbered = /(^|\.)(\d+)\./;

/** The number of the decoder layer that a tensor's name says, or undefined: the first number between dots. */
export function layerOf(name: string): number | undefined {
  const match = numbered.exec(name);
  return match === null ? undefined : Number(match[2]);
}

/** What a name says behind the layer's number, without `.weight`: `self_attn.q_proj`. */
export function shortName(name: string): string {
  const match = numbered.exec(name);
  return (match === null ? name : name.slice(match.index + match[0].length)).replace(/\.weight$/, '');
}

/** Some checkpoints leave the leading `model.` out: `decoder.layers.0...` and `model.decoder.layers.0...` are one tensor. */
export function canonicalName(name: string): string {
  return name.replace(/^model\./, '');
}

/** Looks names up, exactly or else by their canonical form. */
export function nameFinder<T>(entries: Iterable<readonly [string, T]>): (name: string) => T | undefined {
  const exact = new Map(entries);
  const canonical = new Map([...exact].map(([name, value]) => [canonicalName(name), value]));
  return (name) => exact.get(name) ?? canonical.get(canonicalName(name));
}

/** Items by decoder layer, in order of layers; those of no layer last, under undefined. */
export function byLayer<T extends { name: string }>(items: readonly T[]): [number | undefined, T[]][] {
  const layers = new Map<number | undefined, T[]>();
  for (const item of items) {
    const layer = layerOf(item.name);
    layers.set(layer, [...(layers.get(layer) ?? []), item]);
  }
  return [...layers].sort(([a], [b]) => (a ?? Infinity) - (b ?? Infinity));
}
