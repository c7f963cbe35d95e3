import { TooFewTokensError } from './errors.js';
import { gzipLines, textOfLine } from './json-lines.js';
import { candidate, PythonRandom } from './python-random.js';

export interface DrawRequest {
  /** `.json.gz`, a document a line. */
  file: string;
  field: string;
  encode: (text: string) => Promise<Int32Array>;
  samples: number;
  sequenceLength: number;
  seed: number;
}

/** Documents in a row that may be too short before the file counts as one without long ones. */
const fruitlessDraws = 100_000;

/**
 * Windows as SparseGPT, Wanda and LLM-Barber take them from C4: a document is drawn, again until one is longer than the window, then
 * a place in it; the next. The draws are those of Python's `random` with that seed.
 *
 * A document may be anywhere in the file, so all of it is decompressed: once to count, then for the texts. What may be drawn is known
 * without them, since every word of the generator is either a document, a place or nothing: only documents that a word of the first few
 * thousand could mean are kept in memory; should the draws need more words, the file is read again.
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
      // Of one that is too short, that is all there is to know.
      encoded.set(document, ids.length > request.sequenceLength ? ids : new Int32Array(0));
      return ids;
    });
    if (windows !== undefined) return windows;
  }
}

/** The documents that one of the first words could mean. */
function reachable(seed: number, count: number, words: number): Set<number> {
  const random = new PythonRandom(seed);
  const documents = new Set<number>();
  for (let word = 0; word < words && documents.size < count; word++) {
    const document = candidate(random.word(), count);
    if (document < count) documents.add(document);
  }
  return documents;
}

/** @returns undefined if a document is drawn that is not at hand */
async function draw(
  request: DrawRequest, count: number, idsOf: (document: number) => Promise<Int32Array | undefined>,
): Promise<Int32Array | undefined> {
  const { samples, sequenceLength, seed } = request;
  const random = new PythonRandom(seed);
  const windows = new Int32Array(samples * sequenceLength);
  let fruitless = 0;
  for (let sample = 0; sample < samples; ) {
    const ids = await idsOf(random.integer(0, count - 1));
    if (ids === undefined) return undefined;
    if (ids.length <= sequenceLength) {
      if (++fruitless === fruitlessDraws) throw tooShort(request, count);
      continue;
    }
    fruitless = 0;
    const begin = random.integer(0, ids.length - sequenceLength - 1);
    windows.set(ids.subarray(begin, begin + sequenceLength), sample++ * sequenceLength);
  }
  return windows;
}

function tooShort({ file, sequenceLength }: DrawRequest, count: number): TooFewTokensError {
  return new TooFewTokensError({
    what: `none of ${fruitlessDraws} documents drawn from ${count} has more than ${sequenceLength} tokens`, where: file,
    expected: 'documents longer than a window', remedy: 'Lower sequenceLength, or take `sampling: sequential`',
  });
}
