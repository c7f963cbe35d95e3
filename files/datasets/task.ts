/** A zero-shot task as its file says it. Mirrors `schemas/task.schema.json`. */

/** `acc`: the likeliest answer is right; `acc_norm`: the likeliest by character. */
export type ZeroShotMetric = 'acc' | 'acc_norm';

/** Templates, or the field that is a list of texts. */
export type Texts = string[] | { field: string };

/** How a document becomes a question: one context with several continuations, or several contexts with one. */
export interface DocumentForm {
  /** Cuts a field into `before` and `after`. */
  split?: { field: string; at: string };
  context?: string;
  choices?: Texts;
  contexts?: Texts;
  continuation?: string;
  clean?: 'wikihow';
  /** A number from 0, or the place of the value in a list. */
  gold: { field: string; values?: string[]; in?: string };
}

/** Files of a dataset on the hub. */
export interface TaskSource {
  repository: string;
  revision: string;
  config?: string;
  split: string;
  files: string[];
}

export interface TaskDefinition {
  version: 1;
  task: string;
  description: string;
  /** What gives the same numbers: version of lm-evaluation-harness, and the task's name and version there. */
  follows: { harness: string; task: string; version: string };
  source: TaskSource;
  metrics: ZeroShotMetric[];
  forms: DocumentForm[];
}
