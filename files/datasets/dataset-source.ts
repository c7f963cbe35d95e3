/** The source of a text, as in the pipeline file. */
export type DatasetSource =
  /** A text, JSON (`field`) or Parquet (`field`) file; the path is absolute. */
  | { file: string; field?: string; specialTokens?: boolean }
  /** A dataset on the hub. */
  | NamedDataset;

export interface NamedDataset {
  name: 'c4' | 'wikitext2' | 'ptb';
  /** Branch, tag or commit of its repository. */
  revision: string;
  /** Whether to add the tokenizer's special tokens around the text. */
  specialTokens: boolean;
}
