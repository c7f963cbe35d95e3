import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { looksLikeMixture, mixtureValueProblems } from './mixtures.js';
import type { Pipeline, Stage } from './pipeline.js';
import type { ValueProblem } from './schema-problems.js';

/** A path in a pipeline, and its place in the pipeline's file. */
interface NamedFile {
  pointer: string;
  path: string;
}

/**
 * Returns problems for the models, texts and masks of a pipeline that this machine does not have, and for settings that the model does not
 * allow. Files from a hub are not checked.
 */
export function missingFiles(pipeline: Pipeline): ValueProblem[] {
  const { model, stages } = pipeline;
  const texts = stages.flatMap((stage, index) => filesOf(stage).map(({ pointer, path }) => ({ pointer: `/stages/${index}/${stage.type}/${pointer}`, path })));
  const missing = texts.filter(({ path }) => !existsSync(path));
  return [
    ...(isAbsolute(model.source) ? modelProblems(model.source, pipeline) : []),
    ...missing.map(({ pointer, path }) => problem(pointer, `there is no ${path}; expected a file. Check the path: it is relative to the folder of the pipeline file.`)),
  ];
}

function filesOf(stage: Stage): NamedFile[] {
  switch (stage.type) {
    case 'calibration':
      return named('dataset/file', 'file' in stage.dataset ? stage.dataset.file : undefined);
    case 'initialMask':
      return named('source', stage.source);
    case 'rebuild':
      return [];
    case 'evaluation':
      return [
        ...stage.perplexity.flatMap(({ dataset }, index) => named(`perplexity/${index}/dataset/file`, 'file' in dataset ? dataset.file : undefined)),
        ...(stage.zeroShot ?? []).flatMap(({ file }, index) => named(`zeroShot/${index}/file`, file)),
      ];
  }
}

function named(pointer: string, path: unknown): NamedFile[] {
  return typeof path === 'string' ? [{ pointer, path }] : [];
}

function modelProblems(folder: string, pipeline: Pipeline): ValueProblem[] {
  const expected = 'expected the folder of a Hugging Face model, or a repository id such as `huggyllama/llama-7b`. Check the path.';
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [problem('/model/source', `there is no folder ${folder}; ${expected}`)];
  const config = join(folder, 'config.json');
  if (!existsSync(config)) return [problem('/model/source', `${folder} has no config.json; ${expected}`)];
  return mixtureValueProblems(pipeline, looksLikeMixture(config));
}

const problem = (pointer: string, message: string): ValueProblem => ({ pointer, part: 'value', message });
