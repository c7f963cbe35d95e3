/**
 * Prints what `plan` predicts for LLaMA-7B, 13B and 70B on several GPUs: 128 windows of 2,048 tokens, Wanda, a rebuild, and
 * perplexity. Nothing is measured. The speeds of a GPU follow from its published peaks, and those of the host are assumed, so the
 * tables are the same on every machine.
 *
 * usage: node dist/tools/bench/predict.js [--write docs/performance.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withTable } from '../marked-page.js';
import { predictionTable } from './predict/table.js';

const { values: { write } } = parseArgs({ options: { write: { type: 'string' } } });
if (write === undefined) console.log(predictionTable());
else writeFileSync(write, withTable(readFileSync(write, 'utf8'), 'predictions', predictionTable()));
