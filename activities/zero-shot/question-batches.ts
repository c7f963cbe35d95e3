import type { ArtifactDraft, ArtifactStore } from '../../files/artifacts/index.js';
import type { SequenceBatch } from '../../science/evaluation/index.js';
import type { QuestionsPart } from '../types.js';
import type { QuestionsRef } from './types.js';

/** The sizes of a batch, from which its place in the files of the artifact follows. */
interface BatchShape {
  count: number;
  time: number;
  /** Whether it has tails. */
  tailed: boolean;
  /** Number of scored tokens. */
  scored: number;
  part: number;
}

/** Limit of the hidden states of a part, in bytes. It is a constant, so that the same questions always have the same parts. */
export const partBytes = 4 * 2 ** 30;

/** Files of the artifact: shapes; ids of all batches in turn; tails in the same order; request, row and target of each scored token. */
const files = { batches: 'batches.json', ids: 'ids.i32', tails: 'tails.i32', scored: 'scored.i32' } as const;

/** Writes batches, and divides them into parts. @param tokenBytes bytes of a token's hidden state */
export async function writeQuestionBatches(draft: ArtifactDraft, batches: readonly SequenceBatch[], tokenBytes: number): Promise<QuestionsRef['parts']> {
  const parts: QuestionsRef['parts'] = [];
  const shapes = batches.map(({ count, time, tails, scored }): BatchShape => {
    const tokens = count * time;
    let last = parts.at(-1);
    if (last === undefined || last.bytes + tokens * tokenBytes > partBytes) parts.push((last = { samples: 0, tokens: 0, bytes: 0 }));
    last.samples += count;
    last.tokens += tokens;
    last.bytes += tokens * tokenBytes;
    return { count, time, tailed: tails !== undefined, scored: scored.length, part: parts.length - 1 };
  });
  await draft.write(files.batches, [Buffer.from(JSON.stringify(shapes))]);
  await draft.write(files.ids, batches.map(({ ids }) => bytesOf(ids)));
  await draft.write(files.tails, batches.flatMap(({ tails }) => (tails === undefined ? [] : [bytesOf(tails)])));
  await draft.write(files.scored, batches.map(({ scored }) => bytesOf(Int32Array.from(scored.flatMap(({ request, row, target }) => [request, row, target])))));
  return parts;
}

/** Returns the token ids of a part's batches, and their tails. @throws ArtifactLostError */
export async function readQuestionSequences(store: ArtifactStore, part: QuestionsPart): Promise<Omit<SequenceBatch, 'scored'>[]> {
  const [ids, tails] = await Promise.all([files.ids, files.tails].map((name) => readInTurn(store, part, name)));
  return ofPart(store, part, ({ count, time, tailed }) => ({ count, time, ids: ids(count * time), ...(tailed && { tails: tails(count * time) }) }));
}

/** Returns the scored tokens of a part's batches. @throws ArtifactLostError */
export async function readScoredTokens(store: ArtifactStore, part: QuestionsPart): Promise<SequenceBatch['scored'][]> {
  const triples = await readInTurn(store, part, files.scored);
  const found = await ofPart(store, part, ({ scored }) => triples(3 * scored));
  return found.map((three) => Array.from({ length: three.length / 3 }, (_, i) => ({ request: three[3 * i], row: three[3 * i + 1], target: three[3 * i + 2] })));
}

/** Calls `take` for every batch in turn, which advances the readers, and returns the results of the part's batches. */
async function ofPart<T>(store: ArtifactStore, { key, part }: QuestionsPart, take: (shape: BatchShape) => T): Promise<T[]> {
  const shapes = JSON.parse(Buffer.from(await store.read('questions', key, files.batches)).toString()) as BatchShape[];
  return shapes.map((shape) => ({ of: shape.part, taken: take(shape) })).filter(({ of }) => of === part).map(({ taken }) => taken);
}

/** Returns a function that reads the next `length` numbers of a file. */
async function readInTurn(store: ArtifactStore, { key }: QuestionsPart, name: string): Promise<(length: number) => Int32Array> {
  const values = numbersOf(await store.read('questions', key, name));
  let next = 0;
  return (length) => values.subarray(next, (next += length));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
const numbersOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array => new Int32Array(buffer, byteOffset, byteLength / 4);
