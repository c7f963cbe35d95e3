import { bytesText } from '../../../errors/bytes-text.js';
import { formatInteger, formatPercent } from '../../report/index.js';
import { exitCode } from '../exit-codes.js';
import { checkpointSizes, type CheckpointSizes } from '../outputs/checkpoint-sizes.js';
import { checkpointOf } from '../outputs/finished-run.js';
import { runtimeFacts, type RuntimeFact } from '../outputs/runtimes.js';
import { progressLine } from '../mask/progress.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { textTable } from '../text-table.js';

/**
 * `deploy-check RUN|CHECKPOINT`: shows what the zeros of a checkpoint are worth: its size in several formats, and which programs load it
 * and use the zeros.
 * @returns the exit code
 */
export async function deployCheckCommand(word: string, options: GlobalOptions): Promise<number> {
  const folder = await checkpointOf(word, options);
  const progress = progressLine('compressing the weights');
  const sizes = await checkpointSizes(folder, progress.update).finally(progress.end);
  const runtimes = runtimeFacts.map((fact) => ({ ...fact, helps: helps(fact, sizes) }));
  if (options.json) printJson({ checkpoint: folder, ...sizes, runtimes });
  else process.stdout.write(text(folder, sizes));
  return exitCode.done;
}

/** Whether a program benefits from the zeros of this checkpoint. */
function helps({ gains }: RuntimeFact, { twoOfFour }: CheckpointSizes): boolean {
  return gains === '2:4' ? twoOfFour !== null : gains !== 'nothing';
}

const gainTexts: Record<RuntimeFact['gains'], string> = { nothing: 'no', '2:4': 'yes, once converted', 'any zeros at 8 bits': 'once quantised to 8 bits' };

function text(folder: string, sizes: CheckpointSizes): string {
  const { weights, zeros, pattern, dense, zipped, bitmask, twoOfFour, hasSparsityConfig } = sizes;
  const row = (form: string, bytes: number | null, note: string): string[] => [form, bytes === null ? '-' : bytesText(bytes), bytes === null ? '-' : formatPercent(Number((bytes / dense).toFixed(4))), note];
  const rows = [
    ['weights', 'size', 'of dense', ''],
    row('dense', dense, 'unchanged; every program loads it'),
    row('zipped', zipped, 'gzip, for sending and archiving'),
    row('bitmask', bitmask, 'kept values and 1 bit per weight; no current program loads it'),
    row('2:4', twoOfFour, twoOfFour === null ? `the pattern is ${pattern}, not 2:4` : 'half of the values, and 2 bits for each of them, in GPU memory'),
  ];
  const programs = [
    ['program', 'loads it', 'gains from these zeros', 'date'],
    ...runtimeFacts.map((fact) => [fact.runtime, fact.loads, helps(fact, sizes) ? gainTexts[fact.gains] : 'no', fact.date]),
  ];
  const sources = runtimeFacts.map(({ runtime, statement, source }) => `${runtime}: ${statement}.\n  ${source}`);
  const warning = hasSparsityConfig ? '\nconfig.json has a sparsity_config, which vLLM 0.24 refuses. Remove it: the layout is dense.\n' : '';
  return `\n${folder}\n${formatPercent(zeros / weights)} of ${formatInteger(weights)} weights of its linears are zero (${pattern}).\n\n${textTable(rows)}\n${warning}\n${textTable(programs)}\n\n${sources.join('\n')}\n`;
}
