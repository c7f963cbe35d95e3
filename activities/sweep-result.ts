/** What a sweep comes to: the result of its workflow, and what its table, plot and report are made from. */
import type { Pipeline } from '../app/config/pipeline.js';
import type { Best, Combination } from '../app/config/sweep.js';
import type { ByDataset, ByState } from './result.js';

/** How a member ended. */
export interface MemberOutcome {
  /** `gateFailed`: it has numbers like one that is `done`, but a quality gate of its did not pass. */
  status: 'done' | 'gateFailed' | 'failed' | 'cancelled' | 'skipped';
  perplexity?: ByState<ByDataset>;
  /** Mean accuracy over the zero-shot tasks that a state was judged on. */
  accuracy?: ByState<number>;
  /** What guessing comes to on these tasks, in the mean. Absent in older results. */
  chance?: number;
  /** Share of zeros that was found. */
  sparsity?: number;
  /** Seconds of work, those of work that was found in the store included. */
  seconds?: number;
  /** Those of the member's own work alone. Absent in older results. */
  spent?: number;
  /** Folder of the pruned checkpoint, and the member's own report. */
  checkpoint?: string;
  report?: string;
  /** `failed`: the fault's class and sentence. `skipped`: why; `gateFailed`: which gates. */
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
  /** Paths of the values in which members differ. */
  axes: string[];
  /** The price of an hour, where the sweep's pipeline names it. */
  cost?: NonNullable<Pipeline['cost']>;
  rows: SweepRow[];
  best?: Best & { name: string; value: number };
}

/** The result of a sweep's workflow. */
export interface SweepResult extends SweepTable {
  /** The report, Markdown; table and plot are beside it. */
  report: string;
}
