import { downloadBits, keep } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { PruningInputError } from './errors.js';
import type { Shape } from './pattern.js';

/** The mask of one linear, in the forms that were needed so far. All forms hold the same mask. */
interface Forms {
  shape: Shape;
  /** One bit per weight, as in mask files. */
  bits?: Uint8Array;
  /** float32 `[out, in]` of 0 and 1, on the device. */
  tensor?: Tensor2D;
}

/**
 * Masks by linear, converted to another form only when it is needed. As a map it has one byte per weight, like any {@link Masks}. These
 * bytes are unpacked again at every call, because they take eight times the memory of the bits. Masks that were selected on the device stay
 * there as tensors, and are downloaded as one bit per weight.
 */
export class MaskSet implements ReadonlyMap<string, Uint8Array> {
  private constructor(private readonly forms: ReadonlyMap<string, Forms>) {}

  /** @param bits of each linear, as in mask files */
  static ofBits(linears: readonly { name: string; shape: Shape }[], bits: ReadonlyMap<string, Uint8Array>): MaskSet {
    return new MaskSet(new Map(linears.map(({ name, shape }) => {
      const own = bits.get(name);
      if (own?.length !== Math.ceil((shape[0] * shape[1]) / 8)) {
        throw new PruningInputError({ where: name, what: `${own?.length ?? 'no'} bytes for the mask`, expected: `one bit for each of ${shape.join(' x ')} weights` });
      }
      return [name, { shape, bits: own }];
    })));
  }

  /** @param tensors float32 `[out, in]`; owned by the set from now on */
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
    return maskBytes(this.bits(name) as Uint8Array, forms.shape[0] * forms.shape[1]);
  }

  /** One bit per weight, as in mask files. They are downloaded from the device at most once. */
  bits(name: string): Uint8Array | undefined {
    const forms = this.forms.get(name);
    if (forms === undefined) return undefined;
    return (forms.bits ??= downloadBits(forms.tensor as Tensor2D));
  }

  /** The mask on the device, owned by the set; undefined if it is not there. */
  tensor(name: string): Tensor2D | undefined {
    return this.forms.get(name)?.tensor;
  }

  /** Returns a set of the bits alone, which does not depend on the tensors of this set. */
  downloaded(): MaskSet {
    return new MaskSet(new Map([...this.forms].map(([name, { shape }]) => [name, { shape, bits: this.bits(name) }])));
  }

  /** Returns a set with the masks of `others` added to, or in place of, those of this set. */
  with(others: MaskSet): MaskSet {
    return new MaskSet(new Map([...this.forms, ...others.forms]));
  }

  /** Frees the masks on the device. Masks that were not downloaded are lost. */
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

/** Returns a float32 mask on the device as one byte per weight. Downloads one bit per weight. Does not dispose the tensor. */
export function downloadMask(mask: Tensor2D): Uint8Array {
  return maskBytes(downloadBits(mask), mask.size);
}

/** For each value of four bits: the four bytes 0 or 1 as one little-endian word. */
const spread = Uint32Array.from({ length: 16 }, (_, bits) => (bits & 1) | ((bits & 2) << 7) | ((bits & 4) << 14) | ((bits & 8) << 21));

/** Converts one bit per weight to one byte per weight. @param bits `ceil(size / 8)` bytes */
export function maskBytes(bits: Uint8Array, size: number): Uint8Array {
  const words = new Uint32Array(2 * bits.length);
  for (let i = 0; i < bits.length; i++) {
    words[2 * i] = spread[bits[i] & 15];
    words[2 * i + 1] = spread[bits[i] >>> 4];
  }
  return new Uint8Array(words.buffer, 0, size);
}
