import { namedRepositories } from './named-datasets.js';
import type { NamedDataset } from './dataset-source.js';
import { drawFromDocuments } from './drawn-documents.js';
import { TooFewTokensError } from './errors.js';
import { gzipLines, textOfLine } from './json-lines.js';
import { readParquetColumn } from './parquet.js';
import { PythonRandom } from './python-random.js';
import type { Tokenizer } from './tokenizer.js';
import { cutAllWindows, cutWindows, type WindowRequest } from './windows.js';

/*
 * Named datasets, cut as in the published scripts (data.py of Wanda and LLM-Barber, datautils.py of SparseGPT, which agree):
 *
 *              calibration text             perplexity text
 *   c4         each document by itself      the first 1,100 documents, joined by spaces; at most 256 windows
 *   wikitext2  lines, joined by spaces      lines, joined by blank lines
 *   ptb        sentences, joined by spaces  sentences, joined by spaces
 */
const scoredDocuments = 1100;
const scoredC4Windows = 256;
const evaluationJoins = { wikitext2: '\n\n', ptb: ' ' } as const;

export interface NamedText {
  dataset: NamedDataset;
  /** The dataset's file for calibration or evaluation, in the hub's cache. */
  file: string;
  tokenizer: Pick<Tokenizer, 'encode'>;
}

/**
 * Cuts calibration windows. `random`: the same as in the published scripts with the same seed. `sequential`: the first windows of the text.
 * (For c4, the text is its documents, joined by blank lines; only as many as needed are read.)
 * @returns `[samples, sequenceLength]`, flattened
 * @throws TooFewTokensError, DatasetFileError, InvalidRecordError, ParquetError
 */
export async function namedCalibration({ dataset, file, tokenizer }: NamedText, request: WindowRequest): Promise<Int32Array> {
  const { name, specialTokens } = dataset;
  const { samples, sequenceLength, sampling, seed } = request;
  const { field } = namedRepositories[name];
  const encode = (text: string): Promise<Int32Array> => tokenizer.encode(text, { specialTokens });
  if (name === 'c4') {
    if (sampling === 'random') return drawFromDocuments({ file, field, encode, samples, sequenceLength, seed });
    return cutWindows(await firstTokens(file, field, encode, samples * sequenceLength), request);
  }
  const ids = await encode((await readParquetColumn(file, field)).join(' '));
  return sampling === 'random' ? windowsOfText(ids, request) : cutWindows(ids, request);
}

/** Cuts all windows for the perplexity. */
export async function namedEvaluation(
  { dataset, file, tokenizer }: NamedText,
  { maxWindows = Infinity, ...cut }: { sequenceLength: number; skipTokens: number; maxWindows?: number },
): Promise<Int32Array> {
  const { name, specialTokens } = dataset;
  const { field } = namedRepositories[name];
  const text = name === 'c4' ? (await firstDocuments(file, field, scoredDocuments)).join(' ') : (await readParquetColumn(file, field)).join(evaluationJoins[name]);
  return cutAllWindows(await tokenizer.encode(text, { specialTokens }), { ...cut, maxWindows: name === 'c4' ? Math.min(maxWindows, scoredC4Windows) : maxWindows });
}

/** Cuts windows at random positions. The last position is never drawn, as in the published scripts. */
function windowsOfText(ids: Int32Array, { samples, sequenceLength, seed }: WindowRequest): Int32Array {
  if (ids.length <= sequenceLength) {
    throw new TooFewTokensError({ what: `the text has ${ids.length} tokens`, expected: `more than ${sequenceLength}`, remedy: 'Use shorter windows' });
  }
  const random = new PythonRandom(seed);
  const windows = new Int32Array(samples * sequenceLength);
  for (let sample = 0; sample < samples; sample++) {
    const begin = random.integer(0, ids.length - sequenceLength - 1);
    windows.set(ids.subarray(begin, begin + sequenceLength), sample * sequenceLength);
  }
  return windows;
}

async function firstDocuments(file: string, field: string, count: number): Promise<string[]> {
  const documents: string[] = [];
  for await (const line of gzipLines(file)) {
    documents.push(textOfLine(line, field, `${file}:${documents.length + 1}`));
    if (documents.length === count) break;
  }
  return documents;
}

/** The last tokens could change if more text followed. This many are left out. */
const margin = 256;

/** Encodes the first documents, joined by blank lines. Doubles their number until there are enough tokens. */
async function firstTokens(file: string, field: string, encode: (text: string) => Promise<Int32Array>, needed: number): Promise<Int32Array> {
  for (let count = 64; ; count *= 2) {
    const documents = await firstDocuments(file, field, count);
    const ids = await encode(documents.join('\n\n'));
    if (documents.length < count || ids.length >= needed + margin) return ids;
  }
}
