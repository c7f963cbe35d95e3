/** The cost of a unit of work: one decoder layer of one stage, or what a stage does once. */
export interface Cost {
  /** Bytes at the peak, beyond those of a process that has only opened its engine. */
  memory: {
    /** Memory of the engine: on the GPU if there is one, otherwise on the host. */
    tensors: number;
    /** Always on the host. */
    host: number;
  };
  work: Work;
}

/** Amounts of work. With a machine's speeds they become seconds. */
export interface Work {
  /** Floating-point operations of the engine's matrix products. */
  flops: number;
  /** Bytes that the engine's element-wise operations read and write. */
  movedBytes: number;
  /** Calls of the engine. */
  calls: number;
  /** Weights that are ranked on the host. */
  rankedWeights: number;
  /** Multiply-adds in float64 on the host, counted as two. */
  hostFlops: number;
  /** Floating-point operations of the engine's factorizations in float64. */
  doubleFlops: number;
  /** Multiply-adds within SparseGPT's blocks, counted as two. They run where masks are selected. */
  blockFlops: number;
  /** Columns that SparseGPT processes, over all linears. */
  columns: number;
  readBytes: number;
  /** Bytes that are written durably (hashed and synced). */
  writtenBytes: number;
  /** Files that are written durably. */
  files: number;
}

export const noWork: Readonly<Work> = { flops: 0, movedBytes: 0, calls: 0, rankedWeights: 0, hostFlops: 0, doubleFlops: 0, blockFlops: 0, columns: 0, readBytes: 0, writtenBytes: 0, files: 0 };

/** Returns the sum of amounts, each multiplied by its `times`. */
export function addWork(...parts: readonly (readonly [times: number, work: Partial<Work>])[]): Work {
  const total = { ...noWork };
  for (const [times, work] of parts) {
    for (const [name, amount] of Object.entries(work)) total[name as keyof Work] += times * amount;
  }
  return total;
}
