import { classifyWords, differingWords, floatLayout, wordsOf, wordText, type Words } from './float-words.js';
import { onesOf, packedBytes } from './packed-mask.js';
import type { LinearInfo } from './prunable.js';
import { positionIn, type Violations } from './violations.js';

/** What the weights of a linear are compared with. */
export interface LinearExpectation {
  /** Packed bits, 1 = kept. If absent, every zero counts as pruned. */
  mask?: Uint8Array;
  /** `dense`: kept weights must equal the dense model's. Otherwise, differences are counted. */
  values?: 'dense' | 'updated';
  /** Reads the same range of bytes of the dense model, if there is one. */
  sourceBytes?: (begin: number, end: number) => Promise<Buffer>;
}

/** Number of positions kept for zeros that are counted but are not violations. */
const exampleLimit = 5;

/** Scans the weights of one linear, piece by piece, and compares bits. */
export class LinearScan {
  /** One bit per weight: 1 if it is neither +0 nor -0. */
  readonly nonzero: Uint8Array;
  /** Number of kept weights that are zero. */
  keptZeros = 0;
  /** Positions of the first ones. */
  readonly keptZeroExamples: number[][] = [];
  /** Number of kept weights that differ from the dense model's, without violations. */
  changed = 0;

  constructor(
    private readonly info: LinearInfo,
    private readonly expected: LinearExpectation,
    private readonly violations: Violations,
  ) {
    this.nonzero = new Uint8Array(packedBytes(info.shape));
  }

  /** @param at offset of the piece within the tensor, in bytes; a multiple of 8 weights */
  async take(piece: Buffer, at: number): Promise<void> {
    const layout = floatLayout(this.info.dtype);
    if (layout === undefined) return;
    const words = wordsOf(layout, piece);
    const source = await this.expected.sourceBytes?.(at, at + piece.length);
    const sourceWords = source === undefined ? undefined : wordsOf(layout, source);
    const firstByte = at / layout.bytes / 8;
    const { nonzero, notFinite } = classifyWords(words, layout);
    const differs = sourceWords === undefined ? undefined : differingWords(words, sourceWords);
    this.nonzero.set(nonzero, firstByte);
    const mask = this.expected.mask?.subarray(firstByte) ?? nonzero;
    const rest = words.length & 7;
    for (let byte = 0; byte < nonzero.length; byte++) {
      const used = rest !== 0 && byte === nonzero.length - 1 ? (1 << rest) - 1 : 0xff;
      const kept = mask[byte] & used;
      const unsound = notFinite[byte];
      const left = nonzero[byte] & ~kept & ~unsound;
      const zeroed = kept & ~nonzero[byte];
      const changed = differs === undefined ? 0 : differs[byte] & kept & ~unsound;
      if ((unsound | left | zeroed | changed) === 0) continue;
      this.judge({ words, source: sourceWords, byte, firstByte, unsound, left, zeroed, changed });
    }
  }

  private judge({ words, source, byte, firstByte, unsound, left, zeroed, changed }: Suspects): void {
    this.keptZeros += onesOf[zeroed];
    for (let bit = 0; bit < 8; bit++) {
      const flag = 1 << bit;
      if (((unsound | left | zeroed | changed) & flag) === 0) continue;
      const word = words[byte * 8 + bit];
      const dense = source?.[byte * 8 + bit];
      const at = { tensor: this.info.name, position: (firstByte + byte) * 8 + bit };
      if ((unsound & flag) !== 0) this.report('not-finite', at, `a weight is ${this.text(word)}`, 'a finite number');
      if ((left & flag) !== 0) this.report('pruned-not-zero', at, `a pruned weight is ${this.text(word)}`, '0');
      if ((zeroed & flag) !== 0 && this.keptZeroExamples.length < exampleLimit) this.keptZeroExamples.push(positionIn(this.info.shape, at.position));
      if ((changed & flag) === 0 || dense === undefined) continue;
      if (this.mustBeDense((zeroed & flag) !== 0, dense)) {
        this.report('kept-changed', at, `a kept weight is ${this.text(word)}`, `${this.text(dense)}, as in the dense model`);
      } else {
        this.changed++;
      }
    }
  }

  /** Whether a difference is a violation. If `values` is unknown, this is only so for a kept weight that has become zero. */
  private mustBeDense(isZero: boolean, dense: number): boolean {
    if (this.expected.values !== undefined) return this.expected.values === 'dense';
    const layout = floatLayout(this.info.dtype);
    return this.expected.mask !== undefined && isZero && layout !== undefined && (dense & layout.magnitude) !== 0;
  }

  private report(kind: 'not-finite' | 'pruned-not-zero' | 'kept-changed', at: { tensor: string; position: number }, found: string, expected: string): void {
    this.violations.add(() => ({ kind, tensor: at.tensor, position: positionIn(this.info.shape, at.position), found, expected }));
  }

  private text(word: number): string {
    return wordText(this.info.dtype, word);
  }
}

/** Eight weights, some of which are not as expected; the flags have one bit per weight. */
interface Suspects {
  words: Words;
  source: Words | undefined;
  /** Offset of the eight weights in the piece, and of the piece in the linear, in bytes of bits. */
  byte: number;
  firstByte: number;
  unsound: number;
  left: number;
  zeroed: number;
  changed: number;
}
