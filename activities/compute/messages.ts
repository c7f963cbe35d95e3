/** The messages between the worker and its compute process, over Node's IPC channel. */
import type { FaultText } from '../../errors/fault.js';
import type { ComputeActivities } from '../types.js';

export type ComputeTask = keyof ComputeActivities;

/** From the worker, before any task: secret environment variables that the compute process needs. */
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

/** From the worker: exit. */
export interface EndMessage {
  kind: 'end';
}

/** From the compute process. */
export type ReplyMessage =
  /** An event that did not fail a task. */
  | { kind: 'incident'; what: string }
  | { id: number; kind: 'progress'; detail: string }
  | { id: number; kind: 'done'; result: unknown }
  /** The task needs a different engine from the one that this process has opened. The task has not started. */
  | { id: number; kind: 'otherEngine' }
  | { id: number; kind: 'failed'; fault: SerializedFault };
