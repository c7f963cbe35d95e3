/** Keeps the `size` numbers with the lowest keys of all that were offered. Among equal keys, those offered first win. */
export class LowestK {
  count = 0;
  readonly numbers: Int32Array;
  private readonly keys: Float64Array;

  constructor(private readonly size: number) {
    this.numbers = new Int32Array(size);
    this.keys = new Float64Array(size);
  }

  clear(): void {
    this.count = 0;
  }

  offer(number: number, key: number): void {
    const { numbers, keys, size } = this;
    if (this.count === size && !(key < keys[size - 1])) return;
    let at = this.count < size ? this.count++ : size - 1;
    for (; at > 0 && keys[at - 1] > key; at--) {
      keys[at] = keys[at - 1];
      numbers[at] = numbers[at - 1];
    }
    keys[at] = key;
    numbers[at] = number;
  }
}
