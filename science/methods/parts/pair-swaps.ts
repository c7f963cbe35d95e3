/** Sums of squares below this are of inputs that are always zero, or as good as: no value can be told from them. */
export const dead = 1e-30;

/** Share of what a swap takes and gives that it has to gain: less may be rounding of the float32 sums that it is computed from. */
const least = 1e-6;

/** Of the linear and the row, what swaps among a few of its weights need. */
export interface PairsOf {
  gram: Float32Array | Float64Array;
  /** `[out, in]` */
  shape: readonly [number, number];
}

interface RowOf {
  values: Float32Array;
  correlation: Float64Array;
}

/**
 * A few kept and a few pruned weights of a row, with their part of the Gram matrix and of the correlation c in float64
 * (science/methods/parts/exact-swaps.ts): what swaps among them do is known without looking at the rest of the row.
 */
export class PairSwaps {
  /** Of weights, the kept ones first, then the pruned ones, as they were loaded. */
  count = 0;
  readonly positions: Int32Array;
  /** Of kept weights their values, of pruned ones those that they come back with. */
  readonly values: Float64Array;
  private readonly before: Float64Array;
  private readonly correlation: Float64Array;
  private readonly gram: Float64Array;
  private readonly inverse: Float64Array;
  private readonly kept: Int32Array;
  private readonly pruned: Int32Array;
  private readonly keeps: Uint8Array;
  private keptCount = 0;
  private prunedCount = 0;

  /** @param size weights of a kind that are loaded at most */
  constructor(size: number) {
    const both = 2 * size;
    this.positions = new Int32Array(both);
    this.values = new Float64Array(both);
    this.before = new Float64Array(both);
    this.correlation = new Float64Array(both);
    this.gram = new Float64Array(both ** 2);
    this.inverse = new Float64Array(both);
    this.kept = new Int32Array(size);
    this.pruned = new Int32Array(size);
    this.keeps = new Uint8Array(both);
  }

  load({ gram, shape: [, inputs] }: PairsOf, row: RowOf, kept: Int32Array, pruned: Int32Array): void {
    const { positions } = this;
    const count = kept.length + pruned.length;
    this.count = count;
    this.keptCount = kept.length;
    this.prunedCount = pruned.length;
    positions.set(kept);
    positions.set(pruned, kept.length);
    for (let id = 0; id < count; id++) {
      const at = positions[id];
      const isKept = id < kept.length;
      if (isKept) this.kept[id] = id;
      else this.pruned[id - kept.length] = id;
      this.keeps[id] = Number(isKept);
      this.values[id] = row.values[at];
      this.before[id] = isKept ? row.values[at] : 0;
      this.correlation[id] = row.correlation[at];
      // Reads all over a large matrix are what this costs most, so each pair is read once.
      for (let other = 0; other <= id; other++) this.gram[id * count + other] = this.gram[other * count + id] = gram[at * inputs + positions[other]];
      const square = this.gram[id * count + id];
      this.inverse[id] = square < dead ? 0 : 1 / square;
    }
  }

  isKept(id: number): number {
    return this.keeps[id];
  }

  /** By how much a weight's value, zero while pruned, has changed since it was loaded. */
  change(id: number): number {
    return (this.keeps[id] === 1 ? this.values[id] : 0) - this.before[id];
  }

  /** Swaps the best pair, and the next best, until none lowers the error, but no more than there are weights of a kind. */
  swap(fitted: boolean): { swaps: number; lowered: number } {
    const most = Math.max(this.keptCount, this.prunedCount);
    let swaps = 0;
    let lowered = 0;
    while (swaps < most) {
      const gain = this.swapBest(fitted);
      if (gain === 0) break;
      lowered += gain;
      swaps++;
    }
    return { swaps, lowered };
  }

  /** @returns by how much the error went down; 0 where no pair lowers it */
  private swapBest(fitted: boolean): number {
    const { kept, pruned, values, keeps } = this;
    const [i, j] = this.bestPair(fitted);
    const [u, p] = [kept[i], pruned[j]];
    const { cost, back, value } = this.effectOf(u, p, fitted);
    if (!(back - cost > least * (Math.abs(back) + Math.abs(cost)))) return 0;
    this.move(u, -values[u]);
    this.move(p, value);
    values[p] = value;
    [keeps[u], keeps[p]] = [0, 1];
    [kept[i], pruned[j]] = [p, u];
    return back - cost;
  }

  /** Places of the pair that lowers the error most; ties go to the lowest position taken away, then brought back. */
  private bestPair(fitted: boolean): [number, number] {
    const { kept, pruned, positions, keptCount, prunedCount, values, correlation, gram, inverse, count } = this;
    let best = Infinity;
    let [bestKept, bestPruned] = [0, 0];
    for (let i = 0; i < keptCount; i++) {
      const u = kept[i];
      const a = values[u];
      const row = u * count;
      const cost = a * (2 * correlation[u] + a * gram[row + u]);
      for (let j = 0; j < prunedCount; j++) {
        const p = pruned[j];
        const c = correlation[p] + a * gram[row + p];
        const b = values[p];
        const change = fitted ? cost - c * c * inverse[p] : cost - b * (2 * c - b * gram[p * count + p]);
        if (change > best) continue;
        if (change === best && !comesBefore(positions[u], positions[p], positions[kept[bestKept]], positions[pruned[bestPruned]])) continue;
        best = change;
        bestKept = i;
        bestPruned = j;
      }
    }
    return [bestKept, bestPruned];
  }

  /** What taking u away costs, what bringing p back after that gains, and with which value. */
  private effectOf(u: number, p: number, fitted: boolean): { cost: number; back: number; value: number } {
    const { values, correlation, gram, inverse, count } = this;
    const a = values[u];
    const c = correlation[p] + a * gram[u * count + p];
    // What the caller stores is a float32.
    const value = fitted && inverse[p] > 0 ? Math.fround(c * inverse[p]) : values[p];
    return { cost: a * (2 * correlation[u] + a * gram[u * count + u]), back: value * (2 * c - value * gram[p * count + p]), value };
  }

  /** A weight's value changes: so does what the row leaves unexplained. */
  private move(id: number, change: number): void {
    const { correlation, gram, count } = this;
    for (let other = 0; other < count; other++) correlation[other] -= change * gram[id * count + other];
  }
}

function comesBefore(u: number, p: number, otherU: number, otherP: number): boolean {
  return u < otherU || (u === otherU && p < otherP);
}
