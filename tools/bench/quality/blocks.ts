/** The parts of docs/quality.md that are made from results. */
import type { ResultLine } from './cell.js';
import { judgeTable } from './judge-table.js';
import { markdownOf, sectionsOf } from './table.js';

/** Returns the Markdown of each marked part of the page, by the name of its marks. */
export function blocksOf(lines: readonly ResultLine[]): { measured: string; judges: string } {
  const engines = [...new Set(lines.map(({ engine }) => engine))].join('; ');
  const codes = [...new Set(lines.flatMap(({ code }) => code ?? []))].join(', ');
  return { measured: `Engine: ${engines}. Code of science/: ${codes}.\n\n${markdownOf(sectionsOf(lines))}`, judges: judgeTable(lines) };
}
