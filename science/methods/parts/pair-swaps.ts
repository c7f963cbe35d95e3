/** An input with a sum of squares below this counts as always zero. No value can be computed from it. */
export const dead = 1e-30;

/** The minimum gain of a swap, as a share of the sum of its cost and benefit. A smaller gain may be rounding of the float32 sums. */
const least = 1e-6;

/** The linear's data that swaps among a few weights of a row need. */
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
 * (science/methods/parts/exact-swaps.ts). The effect of swaps among them does not depend on the rest of the row.
 */
export class PairSwaps {
  /** Number of weights. The kept ones come first, then the pruned ones, as loaded. */
  count = 0;
  readonly positions: Int32Array;
  /** The values of kept weights, and the values that pruned weights come back with. */
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

  /** @param size maximum number of kept and of pruned weights that are loaded */
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
      // Scattered reads of a large matrix are the main cost, so each pair is read once.
      for (let other = 0; other <= id; other++) this.gram[id * count + other] = this.gram[other * count + id] = gram[at * inputs + positions[other]];
      const square = this.gram[id * count + id];
      this.inverse[id] = square < dead ? 0 : 1 / square;
    }
  }

  isKept(id: number): number {
    return this.keeps[id];
  }

  /** How much a weight's value has changed since it was loaded. A pruned weight counts as zero. */
  change(id: number): number {
    return (this.keeps[id] === 1 ? this.values[id] : 0) - this.before[id];
  }

  /** Swaps the best pair, then the next best, until no pair lowers the error. Makes at most as many swaps as there are weights of a kind. */
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

  /** @returns the decrease of the error; 0 if no pair lowers it */
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

  /** Returns the indices of the pair that lowers the error most. Ties go to the lowest position of u (pruned), then of p (brought back). */
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

  /** Returns the cost of pruning u, the gain of then bringing p back, and the value of p. */
  private effectOf(u: number, p: number, fitted: boolean): { cost: number; back: number; value: number } {
    const { values, correlation, gram, inverse, count } = this;
    const a = values[u];
    const c = correlation[p] + a * gram[u * count + p];
    // The caller stores a float32.
    const value = fitted && inverse[p] > 0 ? Math.fround(c * inverse[p]) : values[p];
    return { cost: a * (2 * correlation[u] + a * gram[u * count + u]), back: value * (2 * c - value * gram[p * count + p]), value };
  }

  /** Updates the correlation for a change of a weight's value. */
  private move(id: number, change: number): void {
    const { correlation, gram, count } = this;
    for (let other = 0; other < count; other++) correlation[other] -= change * gram[id * count + other];
  }
}

function comesBefore(u: number, p: number, otherU: number, otherP: number): boolean {
  return u < otherU || (u === otherU && p < otherP);
}
