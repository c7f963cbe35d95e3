import { MaskMismatchError } from './errors.js';
import { nameFinder } from './layers.js';
import type { MaskSource, SourceMask } from './mask-source.js';
import { onesOf, weightsOf } from './packed-mask.js';

/** Counts of the differences between two masks of the same weights. */
export interface DiffCounts {
  weights: number;
  keptA: number;
  keptB: number;
  /** Pruned in A, kept in B. */
  grown: number;
  /** Kept in A, pruned in B. */
  pruned: number;
}

export interface LinearDiff extends DiffCounts {
  /** The name in A. */
  name: string;
  shapeKnown: boolean;
}

export interface MaskDiff extends DiffCounts {
  linears: readonly LinearDiff[];
  /** Linears in only one of the masks; not counted. */
  onlyInA: readonly string[];
  onlyInB: readonly string[];
}

/** Jaccard index of the kept weights: size of the intersection divided by size of the union; 1 if both are empty. */
export function jaccard({ keptA, grown, pruned }: DiffCounts): number {
  const union = keptA + grown;
  return union === 0 ? 1 : (keptA - pruned) / union;
}

/**
 * Counts what changed from mask A to mask B.
 * @throws MaskMismatchError if they have no linear in common, or a common linear has different shapes
 */
export async function diffMasks(a: MaskSource, b: MaskSource): Promise<MaskDiff> {
  const nameInB = nameFinder(b.names.map((name) => [name, name] as const));
  const nameInA = nameFinder(a.names.map((name) => [name, name] as const));
  const linears: LinearDiff[] = [];
  for (const name of a.names) {
    const other = nameInB(name);
    if (other !== undefined) linears.push(diffLinear(await a.read(name), await b.read(other), b.path));
  }
  if (linears.length === 0) throw noCommonLinear(a, b);
  return {
    ...sumOf(linears), linears,
    onlyInA: a.names.filter((name) => nameInB(name) === undefined), onlyInB: b.names.filter((name) => nameInA(name) === undefined),
  };
}

export function sumOf(linears: readonly DiffCounts[]): DiffCounts {
  const sum = (key: keyof DiffCounts): number => linears.reduce((total, counts) => total + counts[key], 0);
  return { weights: sum('weights'), keptA: sum('keptA'), keptB: sum('keptB'), grown: sum('grown'), pruned: sum('pruned') };
}

export function noCommonLinear(a: MaskSource, b: MaskSource): MaskMismatchError {
  return new MaskMismatchError({
    what: `the two masks have no linear in common: ${a.path} has ${a.names[0]}, ${b.path} has ${b.names[0]}`, expected: 'masks of one model',
  });
}

/** Returns the shape from the first of two masks that knows it. @throws MaskMismatchError if the shapes differ */
export function commonShape(a: SourceMask, b: SourceMask, where: string): Pick<SourceMask, 'shape' | 'shapeKnown'> {
  const sameShape = a.shape.join() === b.shape.join();
  if (a.bits.length !== b.bits.length || (a.shapeKnown && b.shapeKnown && !sameShape)) {
    const text = ({ shape, shapeKnown }: SourceMask): string => (shapeKnown ? `[${shape.join(', ')}]` : `about ${weightsOf(shape)} weights`);
    throw new MaskMismatchError({ what: `the mask has ${text(b)}`, where: `${where}, tensor ${b.name}`, expected: `${text(a)}, as in the other mask`, remedy: 'Compare masks of one model' });
  }
  return a.shapeKnown ? a : b;
}

function diffLinear(a: SourceMask, b: SourceMask, where: string): LinearDiff {
  const { shape, shapeKnown } = commonShape(a, b, where);
  const counts = { weights: weightsOf(shape), keptA: 0, keptB: 0, grown: 0, pruned: 0 };
  for (let byte = 0; byte < a.bits.length; byte++) {
    const inA = a.bits[byte];
    const inB = b.bits[byte];
    counts.keptA += onesOf[inA];
    counts.keptB += onesOf[inB];
    counts.grown += onesOf[inB & ~inA];
    counts.pruned += onesOf[inA & ~inB];
  }
  return { name: a.name, shapeKnown, ...counts };
}
