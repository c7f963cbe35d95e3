/** Settings of a guarded rebuild. Plain data, so that planning and the command line can read it without loading tensor code. */
export interface GuardSettings {
  /** Maximum number of rounds per sub-block. */
  rounds: number;
  /** Ratios that may be tried, in (0, 1]. */
  ratios?: readonly number[];
  /** A round must lower the error of its held-out windows by this share. Otherwise it is undone, and no other round follows. */
  tolerance: number;
  /** Forwards over all calibration windows, or their equivalent in matrix products, in addition to the 4.33 of one published round. */
  budget: number;
}

/** With these, a sub-block costs at most three published rounds, plus one forward if its rounds are undone in the end. */
export const guardDefaults: Readonly<Required<GuardSettings>> = {
  rounds: 8,
  ratios: [0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625],
  tolerance: 0.01,
  budget: 8,
};
