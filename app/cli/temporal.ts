import { endProcess, watchOutput } from './output.js';
import { passThrough } from './pass-through.js';

const isStart = (words: readonly string[]): boolean => words.some((word, position) => word === 'workflow' && words[position + 1] === 'start');

/** Whether a command line of `temporal` is ours: `workflow start` with a pipeline. The real CLI has no option `--pipeline`. */
export function isPipelineStart(words: readonly string[]): boolean {
  return isStart(words) && words.some((word) => word === '--pipeline' || word.startsWith('--pipeline='));
}

/**
 * Whether a command line of `temporal` asks for the help of `workflow start`. A word after an option may be its value, as in `--input -h`.
 * Such a line goes to the real CLI only: otherwise a workflow might start, with its output mixed into a help text.
 */
export function isStartHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const before = end === -1 ? words : words.slice(0, end);
  const asks = before.some((word, position) => (word === '--help' || word === '-h') && !(before[position - 1] ?? '').startsWith('-'));
  return isStart(before) && (asks || before[0] === 'help');
}

/** Runs a command line of `temporal`: ours here, any other with the real CLI. */
export async function main(words: readonly string[] = process.argv.slice(2)): Promise<void> {
  const ours = isPipelineStart(words);
  if (!ours && !isStartHelp(words)) return await passThrough(words);
  watchOutput();
  const { startHelp, temporalWorkflowStart } = await import('./temporal-workflow-start.js');
  if (ours) await endProcess(await temporalWorkflowStart(words));
  // The real CLI writes to the same stdout, so our text must be written before it starts.
  await new Promise<void>((resolve) => process.stdout.write(startHelp(), () => resolve()));
  await passThrough(words);
  await endProcess(Number(process.exitCode ?? 0));
}
