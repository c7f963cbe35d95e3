import { countLinear, totalsOf, type LinearFacts, type Totals } from './facts.js';
import type { MaskSource } from './mask-source.js';
import { Violations } from './violations.js';

export interface MaskDescription extends Totals {
  linears: readonly LinearFacts[];
  /** If false, weights are counted in whole bytes, and rows are unknown. */
  shapesKnown: boolean;
}

/** Counts masks without checking them. A pattern is reported if all but a few groups keep it, as in `mask verify`. */
export async function describeMasks(source: MaskSource): Promise<MaskDescription> {
  const linears: LinearFacts[] = [];
  let shapesKnown = true;
  for (const name of source.names) {
    const mask = await source.read(name);
    shapesKnown &&= mask.shapeKnown;
    linears.push(countLinear(mask, { stated: undefined, strictness: source.kind === 'mask' ? 'exactly' : 'atMost' }, new Violations(0)));
  }
  return { linears, shapesKnown, ...totalsOf(linears) };
}
