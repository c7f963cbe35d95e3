import { dirname, resolve } from 'node:path';
import { readDocument } from './document.js';
import { PipelineFileError } from './errors.js';
import { checkQuantity } from './gate-check.js';
import { parseQuantity } from './gate-grammar.js';
import { located, positionOf } from './located.js';
import type { CheckedPack, Expectation, Pack } from './pack.js';
import { parsePipeline } from './parse.js';
import type { ParseOptions } from './parse.js';
import { pointerOf } from './places.js';
import { readText } from './read-text.js';
import { problemOf } from './resolve-gates.js';
import { schemaProblems } from './schema-problems.js';
import { packFile } from './schema.js';

/**
 * Reads a pack and the pipeline that it names, and checks that the pipeline measures what the pack expects.
 * @param overrides `a.b=c` on top of the file's `set`. Relative paths start from the file's folder
 * @throws PipelineFileError with every problem found, in the pack or else in the pipeline file
 */
export function loadPack(path: string, overrides: readonly string[] = [], { allowFloating }: Pick<ParseOptions, 'allowFloating'> = {}): Pack {
  const file = resolve(path);
  const document = readDocument(readText(file));
  const broken = document.problems.map(({ offset, message }) => ({ ...positionOf(document, offset), message }));
  if (document.value === undefined || broken.length > 0) throw new PipelineFileError(file, broken);
  const wrong = schemaProblems(document.value, packFile);
  if (wrong.length > 0) throw new PipelineFileError(file, wrong.map((problem) => located(document, problem)));

  const { name, pipeline, set, expect } = JSON.parse(JSON.stringify(document.value)) as CheckedPack;
  const folder = dirname(file);
  const pipelinePath = resolve(folder, pipeline);
  const own = [`name=${JSON.stringify(name)}`, ...Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`)];
  const parsed = parsePipeline({ text: readText(pipelinePath), path: pipelinePath, overrides: [...own, ...overrides], allowFloating, currentFolder: folder });

  const expectations: Expectation[] = [];
  const problems = expect.flatMap(({ tolerance, ...rest }, index) =>
    problemOf(pointerOf(['expect', index, 'number']), () => {
      const quantity = checkQuantity(parseQuantity(rest.number), parsed.pipeline.stages);
      expectations.push({ ...rest, quantity, tolerance: absolute(tolerance, rest.value) });
    }),
  );
  if (problems.length > 0) throw new PipelineFileError(file, problems.map((problem) => located(document, problem)));
  return { ...parsed, name, expect: expectations };
}

/** A percentage is one of the value. */
function absolute(tolerance: number | string, value: number): number {
  return typeof tolerance === 'number' ? tolerance : (Math.abs(value) * Number(tolerance.replace('%', ''))) / 100;
}
