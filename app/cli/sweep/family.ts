import { searchWorkflow } from '../../../workflows/search-protocol.js';
import { sweepWorkflow } from '../../../workflows/sweep-protocol.js';

/** What sweeps and searches are called. */
export interface FamilyNames {
  /** Type of the workflow. */
  workflow: string;
  noun: 'sweep' | 'search';
  plural: string;
  /** Key of the memo with the number of what may run. */
  count: 'members' | 'points';
}

export const sweepNames: FamilyNames = { workflow: sweepWorkflow, noun: 'sweep', plural: 'sweeps', count: 'members' };
export const searchNames: FamilyNames = { workflow: searchWorkflow, noun: 'search', plural: 'searches', count: 'points' };
export const families: readonly FamilyNames[] = [sweepNames, searchNames];
