/** A growing list of positions that is reused for every group, so that a row needs no allocation. */
export class PositionList {
  length = 0;
  private positions = new Uint32Array(0);

  clear(): void {
    this.length = 0;
  }

  /** Empties the list and frees its array. */
  free(): void {
    this.clear();
    this.positions = new Uint32Array(0);
  }

  /** Returns the array to write into. It has room for `more` positions after `length`, plus one. */
  room(more: number): Uint32Array {
    const needed = this.length + more + 1;
    if (this.positions.length < needed) {
      const larger = new Uint32Array(Math.max(needed, 2 * this.positions.length));
      larger.set(this.positions.subarray(0, this.length));
      this.positions = larger;
    }
    return this.positions;
  }

  /** Returns the positions that were written. */
  view(): Uint32Array {
    return this.positions.subarray(0, this.length);
  }
}
