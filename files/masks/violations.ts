import { MaskProofError } from './errors.js';

/** What can be wrong; stable words, for programs that read `--json`. */
export type ViolationKind =
  | 'padding' | 'pattern' | 'budget'
  | 'pruned-not-zero' | 'kept-changed' | 'not-finite' | 'other-changed'
  | 'tensor-missing' | 'tensor-unknown' | 'shape' | 'model' | 'digest' | 'kept-zeros';

/** One thing that does not hold. */
export interface Violation {
  kind: ViolationKind;
  /** File or folder, if the violation is not in one tensor. */
  file?: string;
  tensor?: string;
  /** Index of one weight, an index an axis; of an N:M group, the one of its first weight. */
  position?: readonly number[];
  found: string;
  expected: string;
}

/** So many violations are listed unless told otherwise; all are counted. */
export const listedViolations = 20;

/** `row 3, column 7`, as far as the tensor has rows and columns. */
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

/** Counts what is wrong and keeps the first of it. */
export class Violations {
  readonly listed: Violation[] = [];
  count = 0;

  constructor(readonly limit = listedViolations) {}

  /** @param violation or what makes it, which is not called once the list is full */
  add(violation: Violation | (() => Violation)): void {
    if (this.listed.length < this.limit) this.listed.push(typeof violation === 'function' ? violation() : violation);
    this.count++;
  }

  /** Counts some more that are not worth a line each. */
  addUnlisted(count: number): void {
    this.count += count;
  }

  /** @throws MaskProofError with everything that is listed, if anything is wrong */
  throwIfAny(where: string | undefined): void {
    Violations.throwIf(this.count, this.listed, where);
  }

  /** @throws MaskProofError unless `count` is 0 */
  static throwIf(count: number, listed: readonly Violation[], where: string | undefined): void {
    if (count === 0) return;
    const lines = [...listed.map(violationText), ...(count > listed.length ? [`and ${count - listed.length} more`] : [])];
    const what = count === 1 ? lines[0] : `${count} things do not hold:\n  ${lines.join('\n  ')}\n`;
    throw new MaskProofError({ where, what, remedy: 'Do not use this mask or checkpoint; make it again' }, listed);
  }
}

/** Index an axis of an element that is the `flat`-th in row-major order. */
export function positionIn(shape: readonly number[], flat: number): number[] {
  const position: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return position;
}
