/** A growing list of positions that is used again for every group, so that a row costs no allocation. */
export class PositionList {
  length = 0;
  private positions = new Uint32Array(0);

  clear(): void {
    this.length = 0;
  }

  /** The array to write into, with room for so many positions after `length`, and one to spare. */
  room(more: number): Uint32Array {
    const needed = this.length + more + 1;
    if (this.positions.length < needed) {
      const larger = new Uint32Array(Math.max(needed, 2 * this.positions.length));
      larger.set(this.positions.subarray(0, this.length));
      this.positions = larger;
    }
    return this.positions;
  }

  /** What was written. */
  view(): Uint32Array {
    return this.positions.subarray(0, this.length);
  }
}
