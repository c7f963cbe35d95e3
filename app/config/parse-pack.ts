import { dirname, resolve } from 'node:path';
import { readChecked } from './checked-document.js';
import { PipelineFileError } from './errors.js';
import { checkQuantity } from './gate-check.js';
import { parseQuantity } from './gate-grammar.js';
import { located } from './located.js';
import type { CheckedPack, Expectation, Pack } from './pack.js';
import { parsePipeline } from './parse.js';
import type { ParseOptions } from './parse.js';
import { pointerOf } from './source-locations.js';
import { readText } from './read-text.js';
import { problemOf } from './resolve-gates.js';
import { packFile } from './schema.js';

/**
 * Reads a pack and its pipeline, and checks that the pipeline measures what the pack expects.
 * @param overrides `a.b=c`, applied after the file's `set`. Relative paths start from the file's folder
 * @throws PipelineFileError with every problem found, in the pack or else in the pipeline file
 */
export function loadPack(path: string, overrides: readonly string[] = [], { allowFloating }: Pick<ParseOptions, 'allowFloating'> = {}): Pack {
  const { file, document, data: { name, pipeline, set, expect } } = readChecked<CheckedPack>(path, packFile);
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

/** Returns a tolerance as a number. A percentage is relative to the value. */
function absolute(tolerance: number | string, value: number): number {
  return typeof tolerance === 'number' ? tolerance : (Math.abs(value) * Number(tolerance.replace('%', ''))) / 100;
}
