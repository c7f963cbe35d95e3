import type { ArtifactDraft, ArtifactStore } from '../../artifacts/index.js';
import type { SequenceBatch } from '../../evaluation/index.js';
import type { QuestionsPart, QuestionsRef } from '../types.js';

/** Where a batch is in the files of its artifact. */
interface BatchShape {
  count: number;
  time: number;
  /** Whether it has tails. */
  tailed: boolean;
  /** Number of scored tokens. */
  scored: number;
  part: number;
}

/** The most bytes of hidden states that a part's go through the layers with. A constant, so that equal runs have equal parts. */
export const partBytes = 4 * 2 ** 30;

/** Files of the artifact: shapes; ids, one batch after the other, then tails likewise; request, row and target of scored tokens. */
const files = { batches: 'batches.json', ids: 'ids.i32', tails: 'tails.i32', scored: 'scored.i32' } as const;

/** Writes batches, in parts. @param tokenBytes bytes of a token's hidden state */
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

/** The batches of a part. @throws ArtifactLostError */
export async function readQuestionBatches(store: ArtifactStore, { key, part }: QuestionsPart): Promise<SequenceBatch[]> {
  const shapes = JSON.parse(Buffer.from(await store.read('questions', key, files.batches)).toString()) as BatchShape[];
  const take = (values: Int32Array) => {
    let next = 0;
    return (length: number): Int32Array => values.subarray(next, (next += length));
  };
  const [ids, tails, scored] = await Promise.all([files.ids, files.tails, files.scored].map(async (name) => take(numbersOf(await store.read('questions', key, name)))));
  const batches = shapes.map(({ count, time, tailed, scored: length, part: of }) => {
    const batch = { count, time, ids: ids(count * time), ...(tailed && { tails: tails(count * time) }) };
    const triples = scored(3 * length);
    return { of, batch, triples };
  });
  return batches.filter(({ of }) => of === part).map(({ batch, triples }) => ({ ...batch, scored: scoredTokens(triples) }));
}

function scoredTokens(triples: Int32Array): SequenceBatch['scored'] {
  return Array.from({ length: triples.length / 3 }, (_, i) => ({ request: triples[3 * i], row: triples[3 * i + 1], target: triples[3 * i + 2] }));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
const numbersOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array => new Int32Array(buffer, byteOffset, byteLength / 4);
