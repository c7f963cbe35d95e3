import { parsePipeline, PipelineFileError } from '../../../app/config/index.js';
import type { ParsedPipeline, ParseRequest, PipelineProblem } from '../../../app/config/index.js';

/** A short version of the file of DESIGN section 4; `stages` replaces its stages. */
export function pipelineText(stages = standardStages, head = ''): string {
  return `version: 1\nname: test\nmodel: { source: ./model }\n${head}stages:\n${stages}`;
}

export const standardStages = `  - calibration:
      dataset: { file: text.txt }
      samples: 16
      sequenceLength: 256
  - initialMask:
      method: magnitude
      sparsity: 0.5
  - rebuild: {}
  - evaluation:
      perplexity:
        - dataset: { file: heldout.txt }
`;

type Options = Partial<Omit<ParseRequest, 'text'>>;

export function parse(text: string, options: Options = {}): ParsedPipeline {
  return parsePipeline({ text, path: '/pipelines/test.yaml', ...options });
}

/** Returns the error that the text raises. Throws if it raises none, or a different one. */
export function failure(text: string, options: Options = {}): PipelineFileError {
  try {
    parse(text, options);
  } catch (error) {
    if (error instanceof PipelineFileError) return error;
    throw error;
  }
  throw new Error(`expected a PipelineFileError for:\n${text}`);
}

/** `line:column message` of each problem, as users see it. */
export function problemLines(text: string, options: Options = {}): string[] {
  return failure(text, options).problems.map(asLine);
}

export function asLine({ line, column, message, override }: PipelineProblem): string {
  return override === undefined ? `${line}:${column} ${message}` : `--set ${override}: ${message}`;
}
