/** The `outputs` section of a pipeline. */
import { expect, it } from 'vitest';
import { fileForm, parsePipeline, PipelineFileError } from '../../../app/config/index.js';
import { checkRequest } from '../../../app/config/request.js';
import { pipelineText } from './helpers.js';

const parse = (...overrides: string[]) => parsePipeline({ text: pipelineText(), path: '/data/test.yaml', overrides });
function problems(...overrides: string[]): string {
  try {
    parse(...overrides);
  } catch (error) {
    if (error instanceof PipelineFileError) return error.problems.map(({ message }) => message).join('\n');
    throw error;
  }
  return '';
}

it('reads the file, with a private repository and its main branch', () => {
  expect(parse().pipeline).not.toHaveProperty('outputs');
  expect(parse('outputs={ keep: [] }').pipeline.outputs).toEqual({ keep: [] });
  const { pipeline, digest } = parse('outputs={ keep: [mask], publish: { repository: our/pruned } }');
  expect(pipeline.outputs).toEqual({ keep: ['mask'], publish: { repository: 'our/pruned', private: true, branch: 'main' } });
  expect(fileForm(pipeline)['outputs']).toEqual(pipeline.outputs);
  // A worker accepts what a client sends, and nothing else.
  expect(() => { checkRequest({ pipeline, configDigest: digest, folder: '/data', anew: undefined, lock: undefined }); }).not.toThrow();
  const other = { ...pipeline, outputs: { publish: { repository: '../etc', private: true, branch: 'main' } } };
  expect(() => { checkRequest({ pipeline: other, configDigest: undefined, folder: undefined, anew: undefined, lock: undefined }); }).toThrow(/pipeline\.outputs\.publish\.repository.*organisation\/name/s);
});

it('reports errors', () => {
  expect(problems('outputs={ keep: [masks] }')).toMatch(/item 1 of `keep` is "masks"; expected `checkpoint`, `mask` or `report`/);
  expect(problems('outputs={ publish: { repository: pruned } }')).toMatch(/organisation\/name/);
  expect(problems('outputs={ publish: {} }')).toMatch(/repository/);
  expect(problems('outputs={ publish: { repository: our/pruned } }', 'stages=[{ evaluation: { perplexity: [{ dataset: { file: ./a.txt } }] } }]')).toMatch(/no checkpoint to publish, because no stage prunes; expected an `initialMask` stage/);
});
