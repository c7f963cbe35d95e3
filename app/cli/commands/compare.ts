import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { comparedRuns } from '../compare/compared-runs.js';
import { findFinished, type FinishedRun } from '../compare/find-finished.js';
import { compareText } from '../compare/text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';
import { compareView, type CompareView } from '../../report/view/compare-view.js';

export interface CompareOptions {
  /** File for a page with the comparison. */
  html?: string;
}

/** Each run gets a letter. */
const maxRuns = 26;

/**
 * `compare A B [...]`: shows finished runs side by side, and how they differ from the first.
 * @returns the exit code
 */
export async function compareCommand(words: readonly string[], { html }: CompareOptions, options: GlobalOptions): Promise<number> {
  checkCount(words.length);
  if (html !== undefined) checkPageName(html);
  const runs: FinishedRun[] = [];
  for (const word of words) runs.push(await findFinished(word, options));
  const view = compareView(await comparedRuns(runs));
  if (html !== undefined) await writePage(html, view, runs);
  if (options.json) printJson({ ...view, runs: view.runs.map((run, index) => ({ ...run, folder: runs[index].folder })) });
  else process.stdout.write(`\n${compareText(view)}${html === undefined ? '' : `\n  page  ${resolve(html)}\n`}`);
  return exitCode.done;
}

function checkCount(count: number): void {
  if (count < 2) throw new CommandLineError({ what: 'only one run was given', expected: 'two or more', remedy: 'Name the runs to compare with the first' });
  if (count > maxRuns) throw new CommandLineError({ what: `${count} runs were given`, expected: `at most ${maxRuns}`, remedy: 'Compare fewer runs, or run a sweep: its page shows all of its members' });
}

/** The file is overwritten, so a typing error must not cost a pipeline file. */
function checkPageName(file: string): void {
  if (!/\.html?$/i.test(file)) throw new CommandLineError({ what: '--html does not name a page', where: file, expected: 'a name that ends with .html', remedy: 'Name the file to write the page to' });
}

async function writePage(file: string, view: CompareView, runs: readonly FinishedRun[]): Promise<void> {
  // The code for charts is large and needed only here.
  const { renderComparePage } = await import('../../report/page/compare-page.js');
  const folder = dirname(resolve(file));
  const pages = runs.map((run) => relative(folder, join(run.folder, 'report.html')));
  try {
    await writeFile(file, await renderComparePage(view, pages));
  } catch (cause) {
    throw new CommandLineError({ what: 'the page cannot be written', where: resolve(file), remedy: 'Check the folder' }, { cause });
  }
}
