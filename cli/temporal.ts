import { passThrough } from './pass-through.js';

/** Whether a command line of `temporal` is for us: `workflow start` with a pipeline. The real CLI has no option `--pipeline`. */
export function isPipelineStart(words: readonly string[]): boolean {
  const starts = words.some((word, position) => word === 'workflow' && words[position + 1] === 'start');
  return starts && words.some((word) => word === '--pipeline' || word.startsWith('--pipeline='));
}

/** Runs a command line of `temporal`: ours here, any other by the real CLI. */
export async function main(words: readonly string[] = process.argv.slice(2)): Promise<void> {
  if (!isPipelineStart(words)) return await passThrough(words);
  const { temporalWorkflowStart } = await import('./temporal-workflow-start.js');
  await temporalWorkflowStart(words);
}
