import { searchWorkflow } from '../../../workflows/search-protocol.js';
import { sweepWorkflow } from '../../../workflows/sweep-protocol.js';

/** The names of sweeps and searches. */
export interface RunGroupNames {
  /** Workflow type. */
  workflow: string;
  noun: 'sweep' | 'search';
  plural: string;
  /** Key of the memo with the number of members or points. */
  count: 'members' | 'points';
}

export const sweepNames: RunGroupNames = { workflow: sweepWorkflow, noun: 'sweep', plural: 'sweeps', count: 'members' };
export const searchNames: RunGroupNames = { workflow: searchWorkflow, noun: 'search', plural: 'searches', count: 'points' };
export const families: readonly RunGroupNames[] = [sweepNames, searchNames];
