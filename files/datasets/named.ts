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
 * Datasets by name, cut as the published scripts cut them (data.py of Wanda and LLM-Barber, datautils.py of SparseGPT, which agree):
 *
 *              calibration text            perplexity text
 *   c4         each document by itself     the first 1,100 documents, a space between; at most 256 windows
 *   wikitext2  lines, a space between      lines, a blank line between
 *   ptb        sentences, a space between  sentences, a space between
 */
const scoredDocuments = 1100;
const scoredC4Windows = 256;
const evaluationJoins = { wikitext2: '\n\n', ptb: ' ' } as const;

export interface NamedText {
  dataset: NamedDataset;
  /** The dataset's file for the use, in the hub's cache. */
  file: string;
  tokenizer: Pick<Tokenizer, 'encode'>;
}

/**
 * Calibration windows. `random`: those of the published scripts with the same seed. `sequential`: the first of the text (c4: of its
 * documents with a blank line between, of which no more are read than that takes).
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

/** All windows for the perplexity. */
export async function namedEvaluation(
  { dataset, file, tokenizer }: NamedText,
  { maxWindows = Infinity, ...cut }: { sequenceLength: number; skipTokens: number; maxWindows?: number },
): Promise<Int32Array> {
  const { name, specialTokens } = dataset;
  const { field } = namedRepositories[name];
  const text = name === 'c4' ? (await firstDocuments(file, field, scoredDocuments)).join(' ') : (await readParquetColumn(file, field)).join(evaluationJoins[name]);
  return cutAllWindows(await tokenizer.encode(text, { specialTokens }), { ...cut, maxWindows: name === 'c4' ? Math.min(maxWindows, scoredC4Windows) : maxWindows });
}

/** A window at a random place of the text, again and again. The last place is never drawn: so it is in the scripts. */
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

/** Only tokens at the end can change with the following text. So many of them are left out. */
const margin = 256;

/** The first tokens of all documents with a blank line between: of twice as many documents as before, until there are enough. */
async function firstTokens(file: string, field: string, encode: (text: string) => Promise<Int32Array>, needed: number): Promise<Int32Array> {
  for (let count = 64; ; count *= 2) {
    const documents = await firstDocuments(file, field, count);
    const ids = await encode(documents.join('\n\n'));
    if (documents.length < count || ids.length >= needed + margin) return ids;
  }
}
