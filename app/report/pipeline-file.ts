import { stringify } from 'yaml';
import { fileForm } from '../config/index.js';
import type { Pipeline } from '../config/pipeline.js';

/** The resolved pipeline in the syntax of a pipeline file: every default written out, every path absolute. */
export function pipelineFile(pipeline: Pipeline): string {
  return stringify(fileForm(pipeline), { lineWidth: 0 });
}
