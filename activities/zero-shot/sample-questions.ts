import { dirname } from 'node:path';
import { ArtifactStore, digestOf, type Json } from '../../files/artifacts/index.js';
import { textFormat } from '../../app/config/index.js';
import type { ZeroShotTask } from '../../app/config/pipeline.js';
import { loadTokenizer, questionForms, readQuestions } from '../../files/datasets/index.js';
import { batchesOf, requestEncoder, sequencesOf, type EncodedRequest, type Sequence } from '../../science/evaluation/index.js';
import { questionsPerBatch, sequenceNumbers } from '../../app/planning/index.js';
import { dropOlder } from '../drop-older.js';
import { PipelineModelMismatchError } from '../errors.js';
import { modelFolder } from '../hub-files.js';
import { checkUnchanged, inputDigest, tokenizerInputs } from '../input-digest.js';
import { numericsVersion } from '../numerics.js';
import { tokenizerDigests } from '../sample-tokens.js';
import type { DecoderModel } from '../../science/models/index.js';
import type { RunContext } from '../types.js';
import type { QuestionsRef, SampleQuestionsInput, SampleQuestionsResult } from './types.js';
import type { Workbench } from '../workbench.js';
import { writeQuestionBatches } from './question-batches.js';
import { definitionOf, documentFiles, type TaskFile } from './task-files.js';

/** Documents between two progress reports. */
const documentsPerReport = 500;

type Widths = Pick<DecoderModel, 'attentionHeads' | 'hiddenSize' | 'intermediateSize' | 'maxPositions'>;

/** Everything that determines the batches of a task's questions. @param files of its documents, in order */
export function questionsDependOn(context: RunContext, task: ZeroShotTask, files: readonly TaskFile[], { attentionHeads, hiddenSize, intermediateSize, maxPositions }: Widths): Json {
  return {
    version: numericsVersion.questions,
    documents: files.map(({ file, name }) => ({ sha256: inputDigest(context, name), read: { ...textFormat(file) } })),
    forms: digestOf(questionForms(definitionOf(task)?.definition)),
    tokenizer: tokenizerDigests(context),
    settings: { limit: task.limit ?? null, bos: task.bos },
    // Determines where contexts are cut, what is shared, and which sequences are batched.
    model: { attentionHeads, hiddenSize, intermediateSize, maxPositions },
  };
}

/**
 * Reads the documents of a task, and turns them into batches of tokens.
 * @throws PipelineModelMismatchError, ContinuationError, and the errors of datasets
 */
export async function sampleQuestions({ context, task }: SampleQuestionsInput, bench: Workbench): Promise<SampleQuestionsResult> {
  const { model } = await bench.model(context.model);
  const { hiddenSize, maxPositions } = model;
  const forms = questionForms(definitionOf(task)?.definition);
  const files = await documentFiles(task, bench);
  const { limit, bos } = task;
  const dependsOn = questionsDependOn(context, task, files, model);
  const key = ArtifactStore.key('questions', dependsOn);
  await dropOlder(context, bench.store, 'questions', key);
  const { manifest, reused } = await bench.store.findOrMake('questions', dependsOn, async (draft) => {
    bench.onProgress('reading documents');
    const questions = await readQuestions(files.map(({ file }) => file), forms, limit);
    const tokenizer = await loadTokenizer(await modelFolder(context.model, bench));
    const { bos: bosToken, eos } = tokenizer.special;
    if (bos && bosToken === undefined) throw withoutBos(dirname(tokenizer.digestSource[0]));
    const encode = requestEncoder({ encode: tokenizer.encode, maxLength: maxPositions, ...(bos && { bos: bosToken }), prefix: bosToken ?? eos });
    let requests = 0;
    const sequences: Sequence[] = [];
    for (const [document, { contexts, continuations }] of questions.entries()) {
      if (document % documentsPerReport === 0) bench.onProgress(`tokenising document ${document} of ${questions.length}`);
      const encoded: EncodedRequest[] = [];
      for (const [answer, text] of contexts.entries()) encoded.push(await encode({ context: text, continuation: continuations[answer] }));
      sequences.push(...sequencesOf(encoded, requests, (time) => sequenceNumbers(model, time)));
      requests += encoded.length;
    }
    await checkUnchanged(context, [...files, ...tokenizerInputs(context, tokenizer)], bench);
    const batches = batchesOf(sequences, { most: (time) => questionsPerBatch(model, time), maxLength: maxPositions });
    await draft.write('documents.jsonl', questions.map((question) => Buffer.from(`${JSON.stringify(question)}\n`)));
    const parts = await writeQuestionBatches(draft, batches, 4 * hiddenSize);
    return { documents: questions.length, requests, parts };
  });
  const { documents, parts } = manifest.summary as unknown as Omit<QuestionsRef, 'key'>;
  return { questions: { key, documents, parts }, seconds: manifest.seconds, reused };
}

function withoutBos(folder: string): PipelineModelMismatchError {
  return new PipelineModelMismatchError({
    where: folder, what: 'the tokenizer has no BOS token, but `bos` is true', expected: '`bos_token` in tokenizer_config.json', remedy: 'Set `bos: false` in `evaluation`',
  });
}
