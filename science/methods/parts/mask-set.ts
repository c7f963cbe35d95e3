import { downloadBits, keep } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { PruningInputError } from './errors.js';
import type { Shape } from './pattern.js';

/** One linear's mask in the forms that it has had so far. All of them say the same. */
interface Forms {
  shape: Shape;
  /** One byte a weight. */
  bytes?: Uint8Array;
  /** One bit a weight, as in mask files. */
  bits?: Uint8Array;
  /** float32 `[out, in]` of 0 and 1, on the device. */
  tensor?: Tensor2D;
}

/**
 * Masks by linear that change their form only where somebody needs another one. As a map it has one byte a weight, like any
 * {@link Masks}; nobody may change these. Where masks are selected on the device they stay there as tensors, and one bit a weight comes down.
 */
export class MaskSet implements ReadonlyMap<string, Uint8Array> {
  private constructor(private readonly forms: ReadonlyMap<string, Forms>) {}

  /** @param bits of each linear, as mask files have them */
  static ofBits(linears: readonly { name: string; shape: Shape }[], bits: ReadonlyMap<string, Uint8Array>): MaskSet {
    return new MaskSet(new Map(linears.map(({ name, shape }) => {
      const own = bits.get(name);
      if (own?.length !== Math.ceil((shape[0] * shape[1]) / 8)) {
        throw new PruningInputError({ where: name, what: `${own?.length ?? 'no'} bytes of mask`, expected: `one bit for each of ${shape.join(' x ')} weights` });
      }
      return [name, { shape, bits: own }];
    })));
  }

  /** @param tensors float32 `[out, in]`; they belong to the set from now on */
  static ofTensors(tensors: ReadonlyMap<string, Tensor2D>): MaskSet {
    return new MaskSet(new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, tensor: keep(tensor) }])));
  }

  get size(): number {
    return this.forms.size;
  }

  has(name: string): boolean {
    return this.forms.has(name);
  }

  get(name: string): Uint8Array | undefined {
    const forms = this.forms.get(name);
    if (forms === undefined) return undefined;
    return (forms.bytes ??= maskBytes(this.bits(name) as Uint8Array, forms.shape[0] * forms.shape[1]));
  }

  /** One bit a weight, as in mask files. They come down from the device once. */
  bits(name: string): Uint8Array | undefined {
    const forms = this.forms.get(name);
    if (forms === undefined) return undefined;
    return (forms.bits ??= downloadBits(forms.tensor as Tensor2D));
  }

  /** The mask on the device, the set's own; undefined if it is not there. */
  tensor(name: string): Tensor2D | undefined {
    return this.forms.get(name)?.tensor;
  }

  /** A set of the bits alone, whatever becomes of this one's tensors. */
  downloaded(): MaskSet {
    return new MaskSet(new Map([...this.forms].map(([name, { shape }]) => [name, { shape, bits: this.bits(name) }])));
  }

  /** This set with the masks of others in the place of its own. */
  with(others: MaskSet): MaskSet {
    return new MaskSet(new Map([...this.forms, ...others.forms]));
  }

  /** Frees what is on the device. What has not come down is lost. */
  dispose(): void {
    for (const forms of this.forms.values()) {
      forms.tensor?.dispose();
      delete forms.tensor;
    }
  }

  keys(): MapIterator<string> {
    return this.forms.keys();
  }

  *entries(): MapIterator<[string, Uint8Array]> {
    for (const name of this.forms.keys()) yield [name, this.get(name) as Uint8Array];
  }

  *values(): MapIterator<Uint8Array> {
    for (const [, mask] of this.entries()) yield mask;
  }

  [Symbol.iterator](): MapIterator<[string, Uint8Array]> {
    return this.entries();
  }

  forEach(visit: (mask: Uint8Array, name: string, masks: ReadonlyMap<string, Uint8Array>) => void): void {
    for (const [name, mask] of this.entries()) visit(mask, name, this);
  }
}

/** A mask's one byte a weight, of float32 on the device; one bit a weight comes down. The tensor stays the caller's. */
export function downloadMask(mask: Tensor2D): Uint8Array {
  return maskBytes(downloadBits(mask), mask.size);
}

/** The four bytes 0 or 1, as one little-endian word, that each value of four bits stands for. */
const spread = Uint32Array.from({ length: 16 }, (_, bits) => (bits & 1) | ((bits & 2) << 7) | ((bits & 4) << 14) | ((bits & 8) << 21));

/** One byte a weight, from one bit a weight. @param bits `ceil(size / 8)` bytes */
export function maskBytes(bits: Uint8Array, size: number): Uint8Array {
  const words = new Uint32Array(2 * bits.length);
  for (let i = 0; i < bits.length; i++) {
    words[2 * i] = spread[bits[i] & 15];
    words[2 * i + 1] = spread[bits[i] >>> 4];
  }
  return new Uint8Array(words.buffer, 0, size);
}
