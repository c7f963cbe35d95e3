/**
 * Puts the Markdown table of a file of results between the two marks of a page, or prints it.
 *
 * usage: node dist/tools/bench/quality-table.js --results FILE [--results FILE ...] [--code LABEL] [--write docs/quality.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readResults } from './quality/results.js';
import { markdownOf, sectionsOf } from './quality/table.js';
import { withTable } from './quality/page.js';

const { values: options } = parseArgs({
  options: { results: { type: 'string', multiple: true }, code: { type: 'string' }, write: { type: 'string' } },
});
if (options.results === undefined) throw new Error('say where the results are: --results FILE');

const lines = options.results.flatMap(readResults).filter(({ code }) => options.code === undefined || code === undefined || code === options.code);
if (lines.length === 0) throw new Error(`${options.results.join(', ')}: there is no result`);
const engines = [...new Set(lines.map(({ engine }) => engine))].join('; ');
const codes = [...new Set(lines.flatMap(({ code }) => code ?? []))].join(', ');
const text = `Engine: ${engines}. Code of science/: ${codes}.\n\n${markdownOf(sectionsOf(lines))}`;
if (options.write === undefined) console.log(text);
else writeFileSync(options.write, withTable(readFileSync(options.write, 'utf8'), text));
