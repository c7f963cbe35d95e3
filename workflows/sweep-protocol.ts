/** The messages between a client and the `sweep` workflow, as plain JSON, small enough for thousands of members. */
import type { MemberOutcome } from '../activities/sweep-result.js';
import type { Pipeline } from '../app/config/pipeline.js';
import type { Combination, SweepChoice, SweepSettings, SweepSource } from '../app/config/sweep.js';
import type { Changes } from './changes.js';

export type { MemberOutcome, SweepResult, SweepRow, SweepTable } from '../activities/sweep-result.js';

/** Names of the workflow type, of its queries (progress; the request to continue with), and of the signal that adds members. */
export const sweepWorkflow = 'sweep';
export const sweepTableQuery = 'table';
export const sweepRequestQuery = 'request';
export const addMembersSignal = 'addMembers';

/** A member of a sweep: its changes to the base pipeline. */
export interface SweepMember {
  name: string;
  values: Combination;
  changes: Changes;
  configDigest: string;
}

export interface SweepRequest extends SweepSettings {
  /** The first member's pipeline. The other members differ little from it. */
  base: Pipeline;
  /** In the order in which they start. */
  members: SweepMember[];
  /** Outcomes of the members that have ended, by name. */
  outcomes: Record<string, MemberOutcome>;
  /** Number of members after which the workflow continues as new, so that its history stays small. */
  membersPerRun: number;
  /** Names of the search attributes that are registered on the server. Only these are set on members. */
  searchable: string[];
  /** The source of the members, from which more can be made. */
  source: SweepSource;
  choice: SweepChoice;
}

/** Argument of the signal. */
export interface AddedMembers {
  members: SweepMember[];
  choice: SweepChoice;
}

/** The task queue for checks and reports of sweeps and searches. @param taskQueue of the sweep and its members */
export const sweepQueue = (taskQueue: string): string => `${taskQueue}-sweeps`;

/** Workflow id of a member, which names its output folder too. */
export const memberWorkflowId = (sweepId: string, name: string): string => `${sweepId}.${name}`;
