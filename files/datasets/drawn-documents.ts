import { TooFewTokensError } from './errors.js';
import { gzipLines, textOfLine } from './json-lines.js';
import { candidate, PythonRandom } from './python-random.js';

export interface DrawRequest {
  /** `.json.gz` with one document per line. */
  file: string;
  field: string;
  encode: (text: string) => Promise<Int32Array>;
  samples: number;
  sequenceLength: number;
  seed: number;
}

/** After this many short documents in a row, the file counts as one without long documents. */
const maxShortDraws = 100_000;

/**
 * Draws windows from C4 as SparseGPT, Wanda and LLM-Barber do. For each window, documents are drawn until one is longer than the window,
 * then a position in it is drawn. The draws are those of Python's `random` with the same seed.
 *
 * A document may be anywhere in the file, so the file is decompressed twice: once to count the documents, once for the texts. Every word
 * of the generator selects a document, selects a position, or is rejected. So the documents that the first few thousand words could select
 * are known in advance, and only these are kept in memory. If the draws need more words, the file is read again.
 *
 * @returns `[samples, sequenceLength]`, flattened
 * @throws TooFewTokensError, DatasetFileError, InvalidRecordError
 */
export async function drawFromDocuments(request: DrawRequest): Promise<Int32Array> {
  const { file, field, encode } = request;
  let count = 0;
  for await (const _ of gzipLines(file)) count++;
  if (count === 0) throw tooShort(request, 0);
  const encoded = new Map<number, Int32Array>();
  for (let words = 128 * request.samples + 1024; ; words *= 4) {
    const wanted = reachable(request.seed, count, words);
    const texts = new Map<number, Buffer>();
    let index = 0;
    for await (const line of gzipLines(file)) {
      if (wanted.has(index) && !encoded.has(index)) texts.set(index, line);
      index++;
    }
    const windows = await draw(request, count, async (document) => {
      const known = encoded.get(document);
      if (known !== undefined) return known;
      const line = texts.get(document);
      if (line === undefined) return undefined;
      const ids = await encode(textOfLine(line, field, `${file}:${document + 1}`));
      // The tokens of a document that is too short are not needed.
      encoded.set(document, ids.length > request.sequenceLength ? ids : new Int32Array(0));
      return ids;
    });
    if (windows !== undefined) return windows;
  }
}

/** The documents that the first words of the generator could select. */
function reachable(seed: number, count: number, words: number): Set<number> {
  const random = new PythonRandom(seed);
  const documents = new Set<number>();
  for (let word = 0; word < words && documents.size < count; word++) {
    const document = candidate(random.word(), count);
    if (document < count) documents.add(document);
  }
  return documents;
}

/** @returns undefined if a drawn document is not in memory */
async function draw(
  request: DrawRequest, count: number, idsOf: (document: number) => Promise<Int32Array | undefined>,
): Promise<Int32Array | undefined> {
  const { samples, sequenceLength, seed } = request;
  const random = new PythonRandom(seed);
  const windows = new Int32Array(samples * sequenceLength);
  let shortDraws = 0;
  for (let sample = 0; sample < samples; ) {
    const ids = await idsOf(random.integer(0, count - 1));
    if (ids === undefined) return undefined;
    if (ids.length <= sequenceLength) {
      if (++shortDraws === maxShortDraws) throw tooShort(request, count);
      continue;
    }
    shortDraws = 0;
    const begin = random.integer(0, ids.length - sequenceLength - 1);
    windows.set(ids.subarray(begin, begin + sequenceLength), sample++ * sequenceLength);
  }
  return windows;
}

function tooShort({ file, sequenceLength }: DrawRequest, count: number): TooFewTokensError {
  return new TooFewTokensError({
    what: `none of ${maxShortDraws} documents drawn from ${count} has more than ${sequenceLength} tokens`, where: file,
    expected: 'documents longer than a window', remedy: 'Lower sequenceLength, or use `sampling: sequential`',
  });
}
