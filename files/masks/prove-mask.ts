/**
 * An independent check of masks: counts the bits of mask files and shares no code with the making of masks.
 */
import { groupZeros, type Groups } from './group-zeros.js';
import { packedBytes, weightsOf, type PackedMask } from './packed-mask.js';
import { brokenGroups, parseNM, patternText, tallyGroups, type GroupTally, type NM, type Strictness } from './pattern.js';
import { positionIn, Violations } from './violations.js';

/** How many weights of each group must be pruned. */
export interface MaskBudget {
  groups: Groups;
  /** One number for all groups, or one for each group. */
  zeros: number | readonly number[];
}

export interface MaskClaim extends PackedMask {
  /** `unstructured`, or N:M, which is checked for every group. */
  pattern: string;
  budget?: MaskBudget;
}

/**
 * Proves claims about the packed bits of one linear: the length, padding bits of 0, N of every M consecutive inputs
 * of a row kept, and the number of zeros in each group.
 *
 * @param where the file, for the message
 * @throws MaskProofError naming tensor, row and column or group, and both counts
 * @throws PatternTextError if `pattern` is not a pattern
 */
export function proveMask({ pattern, budget, ...mask }: MaskClaim, where?: string): void {
  const violations = new Violations();
  if (checkSize(mask, violations)) {
    checkPadding(mask, violations);
    const nm = parseNM(pattern);
    if (nm !== undefined) checkGroups(mask, tallyGroups(mask, nm.of), nm, 'exactly', violations);
    if (budget !== undefined) checkBudget(mask, budget, violations);
  }
  violations.throwIfAny(where);
}

/** Adds a violation if the number of bytes does not match the shape. @returns whether it matches */
export function checkSize({ name, shape, bits }: Pick<PackedMask, 'name' | 'shape'> & { bits: { length: number } }, violations: Violations): boolean {
  if (bits.length === packedBytes(shape)) return true;
  violations.add({
    kind: 'shape', tensor: name, found: `the mask has ${bits.length} bytes`,
    expected: `${packedBytes(shape)} for ${shape.join(' x ')} weights, one bit each`,
  });
  return false;
}

/** Checks that the unused bits of the last byte are 0, so that equal masks have equal bytes. */
export function checkPadding({ name, shape, bits }: PackedMask, violations: Violations): void {
  const used = weightsOf(shape) % 8;
  const last = bits.length - 1;
  if (used === 0 || bits[last] >>> used === 0) return;
  violations.add({
    kind: 'padding', tensor: name, found: `byte ${last}, the last one, is 0x${bits[last].toString(16).padStart(2, '0')}`,
    expected: `zeros above its lower ${used} bits, which belong to no weight`,
  });
}

/** Adds a violation for every M-group that does not keep N, or one violation if M does not divide the inputs. */
export function checkGroups(
  mask: PackedMask, tally: GroupTally | undefined, nm: NM, strictness: Strictness, violations: Violations,
): void {
  const { name, shape } = mask;
  if (tally === undefined) {
    violations.add({ kind: 'pattern', tensor: name, found: `${shape[1]} inputs, which is not a multiple of ${nm.of}`, expected: `the pattern ${patternText(nm)}` });
    return;
  }
  const { count, examples } = brokenGroups(tally, nm.keep, strictness);
  for (const { group, kept } of examples) {
    violations.add({
      kind: 'pattern', tensor: name, position: positionIn(shape, group * nm.of),
      found: `${kept} of ${nm.of} weights are ${strictness === 'exactly' ? 'kept' : 'not zero'} from here on`,
      expected: `${strictness === 'exactly' ? '' : 'at most '}${nm.keep}, as the pattern ${patternText(nm)} requires`,
    });
  }
  violations.addUnlisted(count - examples.length);
}

function checkBudget(mask: PackedMask, { groups, zeros }: MaskBudget, violations: Violations): void {
  const counts = groupZeros(mask, groups);
  if (typeof zeros !== 'number' && zeros.length !== counts.length) {
    violations.add({ kind: 'budget', tensor: mask.name, found: `${counts.length} groups`, expected: `${zeros.length}, one for each budget` });
    return;
  }
  counts.forEach(({ label, zeros: found, size }, group) => {
    const wanted = typeof zeros === 'number' ? zeros : zeros[group];
    if (found === wanted) return;
    violations.add({ kind: 'budget', tensor: mask.name, found: `${label}: ${found} of ${size} weights are pruned`, expected: `${wanted}` });
  });
}
