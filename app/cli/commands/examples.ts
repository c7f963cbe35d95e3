import path from 'node:path';
import { packageRoot } from '#setup/paths.mjs';
import { exitCode } from '../exit-codes.js';
import { findExamples, type Example } from '../examples/find.js';
import { printJson } from '../output.js';
import { textTable } from '../text-table.js';

const titles: Record<Example['kind'], string> = {
  pipeline: 'Pipelines, for `temporal-pipeline run FILE`',
  sweep: 'Sweeps, for `temporal-pipeline sweep run FILE`',
  search: 'Searches, for `temporal-pipeline search run FILE`',
  pack: 'Published numbers, for `temporal-pipeline reproduce FILE`',
};

/**
 * `examples`: lists the ready-made files that come with this package, one per line.
 * @returns the exit code
 */
export function examplesCommand({ json }: { json: boolean }): number {
  const examples = findExamples(path.join(packageRoot, 'pipelines'));
  if (json) printJson({ examples });
  else {
    const rows = examples.map(({ file, about }) => [path.relative(process.cwd(), file), about]);
    const lines = textTable(rows).split('\n');
    for (const kind of Object.keys(titles) as Example['kind'][]) {
      const own = lines.filter((_, index) => examples[index].kind === kind);
      process.stdout.write(`${titles[kind]}:\n${own.map((line) => `  ${line}\n`).join('')}\n`);
    }
  }
  return exitCode.done;
}
