/**
 * Writes the Markdown tables of result files between the marks of a page, and the picture of quality over cost next to the page.
 * Without a page, prints the tables.
 *
 * usage: node dist/tools/bench/quality-table.js --results FILE [--results FILE ...] [--code LABEL] [--write docs/quality.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { blocksOf } from './quality/blocks.js';
import { effortPicture, effortPoints } from './quality/effort-picture.js';
import { readResults } from './quality/results.js';
import { sectionsOf } from './quality/table.js';
import { withTable } from '../marked-page.js';

const { values: options } = parseArgs({
  options: { results: { type: 'string', multiple: true }, code: { type: 'string' }, write: { type: 'string' } },
});
if (options.results === undefined) throw new Error('give the file with the results: --results FILE');

const lines = options.results.flatMap(readResults).filter(({ code }) => options.code === undefined || code === undefined || code === options.code);
if (lines.length === 0) throw new Error(`${options.results.join(', ')}: no result was found`);
const blocks = blocksOf(lines);
if (options.write === undefined) console.log(`${blocks.measured}\n\n${blocks.judges}`);
else {
  const page = Object.entries(blocks).reduce((text, [name, block]) => withTable(text, name, block), readFileSync(options.write, 'utf8'));
  writeFileSync(options.write, page);
  const picture = effortPicture(effortPoints(sectionsOf(lines)));
  if (picture !== undefined) writeFileSync(join(dirname(options.write), 'quality-effort.svg'), picture);
}
