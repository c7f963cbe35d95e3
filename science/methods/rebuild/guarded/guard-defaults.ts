/** Settings of a guarded rebuild. Plain data: planning and the command line read it without loading any tensor code. */
export interface GuardSettings {
  /** At most so many rounds a sub-block. */
  rounds: number;
  /** Ratios that may be tried, in (0, 1]. */
  ratios?: readonly number[];
  /** A round has to lower the error of its held-out windows by this share; else it is undone and the last. */
  tolerance: number;
  /** Forwards over all calibration windows, or their equal in matrix products, beyond the 4.33 of one published round. */
  budget: number;
}

/** Keeps a sub-block within three published rounds. Where its rounds are all undone in the end, that takes one forward more. */
export const guardDefaults: Readonly<Required<GuardSettings>> = {
  rounds: 8,
  ratios: [0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625],
  tolerance: 0.01,
  budget: 8,
};
