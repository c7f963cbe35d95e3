/** The definition of a zero-shot task, as in its file. Mirrors `schemas/task.schema.json`. */

/** Share of questions whose best answer is right. `acc`: best by log-likelihood; `acc_norm`: by log-likelihood per character. */
export type ZeroShotMetric = 'acc' | 'acc_norm';

/** Templates, or a field that holds a list of texts. */
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
  /** The right answer: a number from 0, or a value whose position in a list is the answer. */
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
  /** The reference with the same numbers: version of lm-evaluation-harness, and name and version of the task there. */
  follows: { harness: string; task: string; version: string };
  source: TaskSource;
  metrics: ZeroShotMetric[];
  forms: DocumentForm[];
}
