import type { NamedDataset } from './dataset-source.js';

/** What the name of a dataset means on the hub. */
export interface NamedRepository {
  repository: string;
  /** Read unless the pipeline says another one. */
  revision: string;
  /** The file that calibration text is from, and the one that perplexity is taken on. */
  files: { calibration: string; evaluation: string };
  /** Field or column of the text. */
  field: string;
}

/**
 * The files that the scripts of SparseGPT, Wanda and LLM-Barber load. The hub has no commit of its own making of ptb that could be
 * cited: its script cannot be run here, so it is the branch of the hub's conversion to Parquet.
 */
export const namedRepositories: Readonly<Record<NamedDataset['name'], NamedRepository>> = {
  c4: {
    repository: 'allenai/c4',
    revision: '1588ec454efa1a09f29cd18ddd04fe05fc8653a2',
    files: { calibration: 'en/c4-train.00000-of-01024.json.gz', evaluation: 'en/c4-validation.00000-of-00008.json.gz' },
    field: 'text',
  },
  wikitext2: {
    repository: 'Salesforce/wikitext',
    revision: 'b08601e04326c79dfdd32d625aee71d232d685c3',
    files: { calibration: 'wikitext-2-raw-v1/train-00000-of-00001.parquet', evaluation: 'wikitext-2-raw-v1/test-00000-of-00001.parquet' },
    field: 'text',
  },
  ptb: {
    repository: 'ptb-text-only/ptb_text_only',
    revision: 'refs/convert/parquet',
    files: { calibration: 'penn_treebank/train/0000.parquet', evaluation: 'penn_treebank/test/0000.parquet' },
    field: 'sentence',
  },
};
