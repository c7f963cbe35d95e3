/** The result of a sweep: what its workflow returns, and what its table, plot and report are made from. */
import type { Pipeline } from '../app/config/pipeline.js';
import type { Best, Combination } from '../app/config/sweep.js';
import type { ByDataset, ByState } from './result.js';

/** How a member ended. */
export interface MemberOutcome {
  /** `gateFailed`: it has the numbers of a `done` member, but one of its quality gates did not pass. */
  status: 'done' | 'gateFailed' | 'failed' | 'cancelled' | 'skipped';
  perplexity?: ByState<ByDataset>;
  /** Mean accuracy over the zero-shot tasks that a state was judged on. */
  accuracy?: ByState<number>;
  /** Mean expected accuracy of guessing on these tasks. Absent in older results. */
  chance?: number;
  /** Share of zeros that was counted. */
  sparsity?: number;
  /** Seconds of work, including those of work that was found in the store. */
  seconds?: number;
  /** Seconds of the member's own work only. Absent in older results. */
  spent?: number;
  /** Folder of the pruned checkpoint. `report` is the member's own report. */
  checkpoint?: string;
  report?: string;
  /** For `failed`: the fault's class and message. `because`: why it was `skipped`, or which gates of `gateFailed` did not pass. */
  error?: { type: string; message: string };
  because?: string;
}

/** One row of a sweep's table. */
export interface SweepRow extends Omit<MemberOutcome, 'status'> {
  name: string;
  workflowId: string;
  values: Combination;
  status: MemberOutcome['status'] | 'waiting' | 'running';
}

/** A sweep's state, while it runs and at its end. */
export interface SweepTable {
  name: string;
  /** Paths of the values in which the members differ. */
  axes: string[];
  /** The price of an hour, if the sweep's pipeline has one. */
  cost?: NonNullable<Pipeline['cost']>;
  rows: SweepRow[];
  best?: Best & { name: string; value: number };
}

/** The result of a sweep's workflow. */
export interface SweepResult extends SweepTable {
  /** The report, Markdown; table and plot are beside it. */
  report: string;
}
