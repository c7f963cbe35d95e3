/** What `best` does with an effort. Plain data. */
export const efforts = [1, 3, 10, 30] as const;
export type Effort = (typeof efforts)[number];
export const defaultEffort = 10;

export interface Recipe {
  /** How the linears of a sub-block are fitted. */
  fit: 'refit' | 'admm';
  /** Passes of the reconstruction of a layer over all windows; none is left out. */
  epochs: number;
}

export const recipes: Readonly<Record<Effort, Recipe>> = {
  1: { fit: 'refit', epochs: 0 },
  3: { fit: 'admm', epochs: 0 },
  10: { fit: 'admm', epochs: 2 },
  30: { fit: 'admm', epochs: 8 },
};
