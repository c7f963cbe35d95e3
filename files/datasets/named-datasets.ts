import type { NamedDataset } from './dataset-source.js';

/** The repository on the hub that the name of a dataset stands for. */
export interface NamedRepository {
  repository: string;
  /** Used unless the pipeline gives another one. */
  revision: string;
  /** The file for calibration text, and the file for perplexity. */
  files: { calibration: string; evaluation: string };
  /** Field or column of the text. */
  field: string;
}

/**
 * The files that the scripts of SparseGPT, Wanda and LLM-Barber load. The repository of ptb has only a Python script, which cannot run
 * here. So there is no commit of its authors to cite, and the revision is the branch with the hub's conversion to Parquet.
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
