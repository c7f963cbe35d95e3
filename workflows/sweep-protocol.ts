/** What goes over the wire between a client and the `sweep` workflow. Plain JSON, and small enough for thousands of members. */
import type { MemberOutcome, SweepTable } from '../activities/sweep-result.js';
import type { Pipeline } from '../app/config/pipeline.js';
import type { Combination, SweepChoice, SweepSettings, SweepSource } from '../app/config/sweep.js';
import type { Changes } from './changes.js';

export type { MemberOutcome, SweepResult, SweepRow, SweepTable } from '../activities/sweep-result.js';

/** Names of the workflow type, of its queries (how far it is; what would continue with it), and of the signal that adds members. */
export const sweepWorkflow = 'sweep';
export const sweepTableQuery = 'table';
export const sweepRequestQuery = 'request';
export const addMembersSignal = 'addMembers';

/** A member: what it changes of the sweep's base pipeline. */
export interface SweepMember {
  name: string;
  values: Combination;
  changes: Changes;
  configDigest: string;
}

export interface SweepRequest extends SweepSettings {
  /** The first member's pipeline, from which the others differ little. */
  base: Pipeline;
  /** In the order in which they are begun. */
  members: SweepMember[];
  /** Of members that ended already, by name. */
  outcomes: Record<string, MemberOutcome>;
  /** After so many members the workflow continues as new, so that its history stays small. */
  membersPerRun: number;
  /** Names of the search attributes that the server knows; members get those. */
  searchable: string[];
  /** What members are made from, to make more of them. */
  source: SweepSource;
  choice: SweepChoice;
}

/** Argument of the signal. */
export interface AddedMembers {
  members: SweepMember[];
  choice: SweepChoice;
}

export type SweepProgress = SweepTable;

/** Workflow id of a member, which names its output folder too. */
export const memberWorkflowId = (sweepId: string, name: string): string => `${sweepId}.${name}`;
