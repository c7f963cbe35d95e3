import { dirname } from 'node:path';
import { ArtifactStore, type Json } from '../artifacts/index.js';
import type { DatasetSource } from '../config/pipeline.js';
import { cutAllWindows, cutWindows, loadTokenizer, namedCalibration, namedEvaluation, readText, type NamedText, type Tokenizer } from '../datasets/index.js';
import { dropOlder } from './drop-older.js';
import { datasetRevision, modelFolder, namedFile, type DatasetUse } from './hub-files.js';
import { numericsVersion } from './numerics.js';
import type { RunContext, SampleCalibrationInput, SampleEvaluationInput, SampleResult } from './types.js';
import type { Workbench } from './workbench.js';

/** How windows are cut: out of the tokens of a file, or of a dataset by name. */
interface Cutters {
  fromTokens: (ids: Int32Array) => Int32Array;
  fromNamed: (text: NamedText) => Promise<Int32Array>;
}

/** Cuts the calibration windows out of a text. */
export function sampleCalibration({ context, stage }: SampleCalibrationInput, bench: Workbench): Promise<SampleResult> {
  const { samples, sequenceLength, sampling, seed } = stage;
  const settings = { samples, sequenceLength, sampling, ...(sampling === 'random' ? { seed } : {}) };
  const request = { samples, sequenceLength, sampling, seed };
  return sample({ context, bench, dataset: stage.dataset, use: 'calibration', sequenceLength, settings }, {
    fromTokens: (ids) => cutWindows(ids, request),
    fromNamed: (text) => namedCalibration(text, request),
  });
}

/** Cuts the windows of a text whose perplexity is measured. */
export function sampleEvaluation({ context, task }: SampleEvaluationInput, bench: Workbench): Promise<SampleResult> {
  const { sequenceLength, skipTokens, maxWindows } = task;
  const settings = { sequenceLength, skipTokens, maxWindows };
  const request = { sequenceLength, skipTokens, ...(maxWindows === undefined ? {} : { maxWindows }) };
  return sample({ context, bench, dataset: task.dataset, use: 'evaluation', sequenceLength, settings }, {
    fromTokens: (ids) => cutAllWindows(ids, request),
    fromNamed: (text) => namedEvaluation(text, request),
  });
}

interface Sampling {
  context: RunContext;
  bench: Workbench;
  dataset: DatasetSource;
  use: DatasetUse;
  sequenceLength: number;
  settings: Json;
}

async function sample({ context, bench, dataset, use, sequenceLength, settings }: Sampling, cut: Cutters): Promise<SampleResult> {
  const text = await openText(dataset, use, context, bench);
  const dependsOn: Json = {
    version: numericsVersion.tokens,
    text: text.identity,
    tokenizer: tokenizerDigests(context),
    settings,
  };
  const key = ArtifactStore.key('tokens', dependsOn);
  await dropOlder(context, bench.store, 'tokens', key);
  const { manifest, reused } = await bench.store.findOrMake('tokens', dependsOn, async (draft) => {
    const tokenizer = await loadTokenizer(await modelFolder(context.model, bench));
    const windows = await text.cut(tokenizer, cut);
    await draft.write('tokens.i32', [new Uint8Array(windows.buffer, windows.byteOffset, windows.byteLength)]);
    return { samples: windows.length / sequenceLength, sequenceLength };
  });
  const { samples } = manifest.summary as { samples: number };
  return { tokens: { key, samples, sequenceLength }, seconds: manifest.seconds, reused };
}

interface OpenText {
  /** What the windows depend on besides tokenizer and settings. */
  identity: Json;
  cut: (tokenizer: Tokenizer, cutters: Cutters) => Promise<Int32Array>;
}

async function openText(dataset: DatasetSource, use: DatasetUse, context: RunContext, bench: Workbench): Promise<OpenText> {
  if ('name' in dataset) {
    const commit = context.commits?.[datasetRevision(dataset)];
    const { file, name } = await namedFile(dataset, use, bench, commit);
    const { specialTokens } = dataset;
    return {
      identity: { name: dataset.name, use, sha256: context.files[name], specialTokens },
      cut: (tokenizer, { fromNamed }) => {
        bench.onProgress(`reading ${dataset.name}`);
        return fromNamed({ dataset, file, tokenizer });
      },
    };
  }
  const { file, field, specialTokens = false } = dataset;
  return {
    identity: { sha256: context.files[file], field, ...(specialTokens && { specialTokens }) },
    cut: async (tokenizer, { fromTokens }) => {
      bench.onProgress('reading text');
      await bench.allowed.check('dataset.file', file);
      const text = await readText(dataset);
      bench.onProgress('tokenising');
      return fromTokens(await tokenizer.encode(text, { specialTokens }));
    },
  };
}

/** The tokenizer's files stand in the model's folder. */
export function tokenizerDigests({ files, model }: RunContext): string[] {
  return Object.keys(files)
    .filter((file) => dirname(file) === model.source)
    .sort()
    .map((file) => files[file] ?? '');
}
