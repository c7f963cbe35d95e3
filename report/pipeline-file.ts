import { stringify } from 'yaml';
import type { Pipeline } from '../config/pipeline.js';

/** The resolved pipeline in the syntax of a pipeline file: every default written out, every path absolute. */
export function pipelineFile({ stages, ...head }: Pipeline): string {
  return stringify({ ...head, stages: stages.map(({ type, ...settings }) => ({ [type]: settings })) }, { lineWidth: 0 });
}
