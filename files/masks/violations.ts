import { MaskProofError } from './errors.js';

/** Kinds of violations. These names must not change, because programs read them from `--json`. */
export type ViolationKind =
  | 'padding' | 'pattern' | 'budget'
  | 'pruned-not-zero' | 'kept-changed' | 'not-finite' | 'other-changed'
  | 'tensor-missing' | 'tensor-unknown' | 'shape' | 'model' | 'digest' | 'kept-zeros';

/** A rule that a mask or checkpoint violates. */
export interface Violation {
  kind: ViolationKind;
  /** File or folder, if the violation is not in one tensor. */
  file?: string;
  tensor?: string;
  /** Position of the weight, one index per axis; for an N:M group, of its first weight. */
  position?: readonly number[];
  found: string;
  expected: string;
}

/** Default number of violations to list. All are counted. */
export const listedViolations = 20;

/** `row 3, column 7`, if the tensor has rows and columns. */
export function positionText(position: readonly number[]): string {
  switch (position.length) {
    case 0: return 'the only element';
    case 1: return `element ${position[0]}`;
    case 2: return `row ${position[0]}, column ${position[1]}`;
    default: return `position [${position.join(', ')}]`;
  }
}

export function violationText({ file, tensor, position, found, expected }: Violation): string {
  const where = [file, tensor, position === undefined ? undefined : positionText(position)].filter((part) => part !== undefined);
  return `${where.join(', ')}${where.length === 0 ? '' : ': '}${found}; expected ${expected}`;
}

/** Counts violations and lists the first ones. */
export class Violations {
  readonly listed: Violation[] = [];
  count = 0;

  constructor(readonly limit = listedViolations) {}

  /** @param violation the violation, or a function that makes it, which is not called when the list is full */
  add(violation: Violation | (() => Violation)): void {
    if (this.listed.length < this.limit) this.listed.push(typeof violation === 'function' ? violation() : violation);
    this.count++;
  }

  /** Counts more violations without listing them. */
  addUnlisted(count: number): void {
    this.count += count;
  }

  /** @throws MaskProofError with the listed violations, if there are any */
  throwIfAny(where: string | undefined): void {
    Violations.throwIf(this.count, this.listed, where);
  }

  /** @throws MaskProofError unless `count` is 0 */
  static throwIf(count: number, listed: readonly Violation[], where: string | undefined): void {
    if (count === 0) return;
    const lines = [...listed.map(violationText), ...(count > listed.length ? [`and ${count - listed.length} more`] : [])];
    const what = count === 1 ? lines[0] : `${count} checks failed:\n  ${lines.join('\n  ')}\n`;
    throw new MaskProofError({ where, what, remedy: 'Do not use this mask or checkpoint; create it again' }, listed);
  }
}

/** Converts an index in row-major order to one index per axis. */
export function positionIn(shape: readonly number[], flat: number): number[] {
  const position: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return position;
}
