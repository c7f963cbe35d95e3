/** What the worker and its compute process say to each other, over Node's IPC channel. */
import type { FaultText } from '../../errors/fault.js';
import type { ComputeActivities } from '../types.js';

export type ComputeTask = keyof ComputeActivities;

/** From the worker, before any task: secret variables of the environment that the compute process needs. */
export interface SecretsMessage {
  kind: 'secrets';
  environment: Record<string, string>;
}

/** From the worker. */
export interface TaskMessage {
  kind: 'task';
  id: number;
  task: ComputeTask;
  input: unknown;
}

export interface SerializedFault {
  name: string;
  message: string;
  stack: string;
  retryable: boolean;
  text?: FaultText;
}

/** From the worker: end in order. */
export interface EndMessage {
  kind: 'end';
}

/** From the compute process. */
export type ReplyMessage =
  /** Something that no task fails by. */
  | { kind: 'incident'; what: string }
  | { id: number; kind: 'progress'; detail: string }
  | { id: number; kind: 'done'; result: unknown }
  /** The task needs another engine than the one that this process has opened; it has not been begun. */
  | { id: number; kind: 'otherEngine' }
  | { id: number; kind: 'failed'; fault: SerializedFault };
