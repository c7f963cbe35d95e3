import { dirname } from 'node:path';
import { ArtifactStore, type Json } from '../artifacts/index.js';
import type { DatasetSource } from '../config/pipeline.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText } from '../datasets/index.js';
import { dropOlder } from './drop-older.js';
import { numericsVersion } from './numerics.js';
import type { RunContext, SampleCalibrationInput, SampleEvaluationInput, SampleResult } from './types.js';
import type { Workbench } from './workbench.js';

/** Cuts the calibration windows out of a text. */
export function sampleCalibration({ context, stage }: SampleCalibrationInput, bench: Workbench): Promise<SampleResult> {
  const { samples, sequenceLength, sampling, seed } = stage;
  const settings = { samples, sequenceLength, sampling, ...(sampling === 'random' ? { seed } : {}) };
  return sample(context, bench, stage.dataset, sequenceLength, settings, (ids) => cutWindows(ids, { samples, sequenceLength, sampling, seed }));
}

/** Cuts the windows of a text whose perplexity is measured. */
export function sampleEvaluation({ context, task }: SampleEvaluationInput, bench: Workbench): Promise<SampleResult> {
  const { sequenceLength, skipTokens, maxWindows } = task;
  const settings = { sequenceLength, skipTokens, maxWindows };
  return sample(context, bench, task.dataset, sequenceLength, settings, (ids) =>
    cutAllWindows(ids, { sequenceLength, skipTokens, ...(maxWindows === undefined ? {} : { maxWindows }) }),
  );
}

async function sample(
  context: RunContext,
  bench: Workbench,
  dataset: DatasetSource,
  sequenceLength: number,
  settings: Json,
  cut: (ids: Int32Array) => Int32Array,
): Promise<SampleResult> {
  const dependsOn: Json = {
    version: numericsVersion.tokens,
    text: 'file' in dataset ? { sha256: context.files[dataset.file], field: dataset.field } : { name: dataset.name },
    tokenizer: tokenizerDigests(context),
    settings,
  };
  const key = ArtifactStore.key('tokens', dependsOn);
  await dropOlder(context, bench.store, 'tokens', key);
  const { manifest, reused } = await bench.store.findOrMake('tokens', dependsOn, async (draft) => {
    bench.onProgress('reading text');
    if ('file' in dataset) await bench.allowed.check('dataset.file', dataset.file);
    await bench.allowed.check('model.source', context.model.source);
    const text = await readText(dataset);
    bench.onProgress('tokenising');
    const tokenizer = await loadTokenizer(context.model.source);
    const windows = cut(tokenizer.encode(text));
    await draft.write('tokens.i32', [new Uint8Array(windows.buffer, windows.byteOffset, windows.byteLength)]);
    return { samples: windows.length / sequenceLength, sequenceLength };
  });
  const { samples } = manifest.summary as { samples: number };
  return { tokens: { key, samples, sequenceLength }, seconds: manifest.seconds, reused };
}

/** The tokenizer's files stand in the model's folder. */
export function tokenizerDigests({ files, model }: RunContext): string[] {
  return Object.keys(files)
    .filter((file) => dirname(file) === model.source)
    .sort()
    .map((file) => files[file] ?? '');
}
