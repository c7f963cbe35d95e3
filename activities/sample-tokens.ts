import { basename, dirname } from 'node:path';
import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import type { CalibrationStage, DatasetSource, PerplexityTask } from '../app/config/pipeline.js';
import {
  cutAllWindows, cutWindows, loadTokenizer, namedCalibration, namedEvaluation, readText, textReading, tokenizerFiles, type NamedText, type Tokenizer,
} from '../files/datasets/index.js';
import { dropOlder } from './drop-older.js';
import { datasetRevision, modelFolder, namedFile, type DatasetUse } from './hub-files.js';
import { checkUnchanged, inputDigest, tokenizerInputs } from './input-digest.js';
import { numericsVersion } from './numerics.js';
import { divideTokens } from './shards/shard-tokens.js';
import { writeTokens } from './tokens.js';
import type { RunContext, SampleCalibrationInput, SampleEvaluationInput, SampleResult } from './types.js';
import type { Workbench } from './workbench.js';

/** Functions that cut windows from the tokens of a file or from a named dataset. */
interface Cutters {
  fromTokens: (ids: Int32Array) => Int32Array;
  fromNamed: (text: NamedText) => Promise<Int32Array>;
}

/** Returns the settings of a calibration that determine its windows. */
export function calibrationSettings({ samples, sequenceLength, sampling, seed }: CalibrationStage): Json {
  return { samples, sequenceLength, sampling, ...(sampling === 'random' ? { seed } : {}) };
}

/** Returns the settings of a perplexity task that determine its windows. */
export function evaluationSettings({ sequenceLength, skipTokens, maxWindows }: PerplexityTask): Json {
  return { sequenceLength, skipTokens, maxWindows };
}

/** Cuts the calibration windows from a text, and divides them into shards if the stage asks for it. */
export async function sampleCalibration({ context, stage }: SampleCalibrationInput, bench: Workbench): Promise<SampleResult> {
  const { samples, sequenceLength, sampling, seed } = stage;
  const settings = calibrationSettings(stage);
  const request = { samples, sequenceLength, sampling, seed };
  const sampled = await sample({ context, bench, dataset: stage.dataset, use: 'calibration', sequenceLength, settings }, {
    fromTokens: (ids) => cutWindows(ids, request),
    fromNamed: (text) => namedCalibration(text, request),
  });
  const { shards = 1 } = stage;
  return shards === 1 ? sampled : { ...sampled, shards: await divideTokens(context, sampled.tokens, shards, bench) };
}

/** Cuts the windows on which a perplexity is measured. */
export function sampleEvaluation({ context, task }: SampleEvaluationInput, bench: Workbench): Promise<SampleResult> {
  const { sequenceLength, skipTokens, maxWindows } = task;
  const settings = evaluationSettings(task);
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
  const dependsOn = tokensDependOn({ context, dataset, use, settings }, text.name);
  const key = ArtifactStore.key('tokens', dependsOn);
  await dropOlder(context, bench.store, 'tokens', key);
  const { manifest, reused } = await bench.store.findOrMake('tokens', dependsOn, async (draft) => {
    const tokenizer = await loadTokenizer(await modelFolder(context.model, bench));
    const windows = await text.cut(tokenizer, cut);
    await checkUnchanged(context, [text, ...tokenizerInputs(context, tokenizer)], bench);
    await writeTokens(draft, windows);
    return { samples: windows.length / sequenceLength, sequenceLength };
  });
  const { samples } = manifest.summary as { samples: number };
  return { tokens: { key, samples, sequenceLength }, seconds: manifest.seconds, reused };
}

/**
 * Everything that determines windows of tokens.
 * @param name what `context.files` calls the dataset's file
 */
export function tokensDependOn({ context, dataset, use, settings }: Pick<Sampling, 'context' | 'dataset' | 'use' | 'settings'>, name: string): Json {
  const sha256 = inputDigest(context, name);
  const { specialTokens = false } = dataset;
  return {
    version: numericsVersion.tokens,
    // A named dataset has its own way of reading, which depends on the use.
    text: 'name' in dataset ? { name: dataset.name, use, sha256, specialTokens } : { sha256, read: { ...textReading(dataset) }, specialTokens },
    tokenizer: tokenizerDigests(context),
    settings,
  };
}

interface OpenText {
  file: string;
  /** What `context.files` calls the file. */
  name: string;
  cut: (tokenizer: Tokenizer, cutters: Cutters) => Promise<Int32Array>;
}

async function openText(dataset: DatasetSource, use: DatasetUse, context: RunContext, bench: Workbench): Promise<OpenText> {
  if ('name' in dataset) {
    const commit = context.commits?.[datasetRevision(dataset)];
    const { file, name } = await namedFile(dataset, use, bench, commit);
    return {
      file,
      name,
      cut: (tokenizer, { fromNamed }) => {
        bench.onProgress(`reading ${dataset.name}`);
        return fromNamed({ dataset, file, tokenizer });
      },
    };
  }
  const { file, specialTokens = false } = dataset;
  return {
    file,
    name: file,
    cut: async (tokenizer, { fromTokens }) => {
      bench.onProgress('reading text');
      await bench.allowed.check('dataset.file', file);
      const text = await readText(dataset);
      bench.onProgress('tokenising');
      return fromTokens(await tokenizer.encode(text, { specialTokens }));
    },
  };
}

/** Returns the digests of the tokenizer's files, by name. The model's folder may also contain other files of the run. */
export function tokenizerDigests({ files, model }: RunContext): Record<string, string> {
  const digests = Object.entries(files).filter(([file]) => dirname(file) === model.source && tokenizerFiles.includes(basename(file)));
  if (digests.length === 0) throw new Error(`the digests of the tokenizer in ${model.source} are not known, so no result that depends on it can be stored`);
  return Object.fromEntries(digests.map(([file, digest]) => [basename(file), digest]));
}
