/** Where text comes from, as the pipeline file says it. */
export type DatasetSource =
  /** A text, JSON (`field`) or Parquet (`field`) file; the path is absolute. */
  | { file: string; field?: string; specialTokens?: boolean }
  /** A dataset of the hub. */
  | NamedDataset;

export interface NamedDataset {
  name: 'c4' | 'wikitext2' | 'ptb';
  /** Branch, tag or commit of its repository. */
  revision: string;
  /** Whether the tokenizer's special tokens stand around the text. */
  specialTokens: boolean;
}
