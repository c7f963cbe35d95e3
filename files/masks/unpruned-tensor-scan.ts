import type { TensorInfo } from '../checkpoints/index.js';
import { classifyWords, floatLayout, wordsOf, wordText } from './float-words.js';
import { positionIn, type Violations } from './violations.js';

/** Scans a tensor that is not pruned: its floats must be finite, and its bytes must equal the source's. */
export class UnprunedTensorScan {
  constructor(
    private readonly info: TensorInfo,
    private readonly sourceBytes: ((begin: number, end: number) => Promise<Buffer>) | undefined,
    private readonly violations: Violations,
  ) {}

  async take(piece: Buffer, at: number): Promise<void> {
    const layout = floatLayout(this.info.dtype);
    if (layout !== undefined) {
      const words = wordsOf(layout, piece);
      const { notFinite } = classifyWords(words, layout);
      for (const [byte, flags] of notFinite.entries()) {
        for (let bit = 0; flags >>> bit !== 0; bit++) {
          if (((flags >>> bit) & 1) === 1) this.report(at, byte * 8 + bit, 'not-finite', piece, undefined);
        }
      }
    }
    const source = await this.sourceBytes?.(at, at + piece.length);
    if (source === undefined || piece.equals(source)) return;
    const size = this.elementBytes;
    for (let element = 0; element < piece.length / size; element++) {
      const begin = element * size;
      if (piece.compare(source, begin, begin + size, begin, begin + size) !== 0) this.report(at, element, 'other-changed', piece, source);
    }
  }

  private report(at: number, element: number, kind: 'not-finite' | 'other-changed', piece: Buffer, source: Buffer | undefined): void {
    this.violations.add(() => ({
      kind, tensor: this.info.name, position: positionIn(this.info.shape, at / this.elementBytes + element),
      found: `a value is ${this.text(piece, element)}`,
      expected: source === undefined ? 'a finite number' : `${this.text(source, element)}, as in the dense model, because this tensor is not pruned`,
    }));
  }

  private get elementBytes(): number {
    return (this.info.end - this.info.begin) / this.info.shape.reduce((product, size) => product * size, 1);
  }

  private text(bytes: Buffer, element: number): string {
    const layout = floatLayout(this.info.dtype);
    if (layout !== undefined) return wordText(this.info.dtype, wordsOf(layout, bytes)[element]);
    return `0x${Buffer.from(bytes.subarray(element * this.elementBytes, (element + 1) * this.elementBytes)).reverse().toString('hex')} (${this.info.dtype})`;
  }
}
