/**
 * Checks that Hugging Face transformers loads what the pipeline writes, and finds the same perplexity within 0.1 %: a checkpoint of
 * 50 % zeros, one of 2:4, and one with refitted weights.
 *
 *   node tools/transformers/check.mjs --python venv/bin/python [--write]
 *
 * The Python needs torch and transformers (perplexity.py beside this file). `--write` also renews `test/golden/transformers/`, with
 * which the tests check the same in a clone that has no Python. Exit code 0 if all agree.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../build.mjs';
import { packageRoot } from '../setup/places.mjs';

const { values: { python, write } } = parseArgs({ options: { python: { type: 'string', default: 'python3' }, write: { type: 'boolean', default: false } } });
const golden = join(packageRoot, 'test', 'golden', 'transformers');
const names = ['half', 'two-of-four', 'refitted'];
/** Tokens of a window in the pipelines of that folder. */
const window = '64';
const tolerance = 0.001;
const state = mkdtempSync(join(tmpdir(), 'check-transformers-'));

/** Writes a checkpoint by its pipeline. */
function prune(name) {
  const program = join(packageRoot, 'app', 'cli', 'bin', 'temporal-pipeline.mjs');
  const { checkpoint, perplexity } = JSON.parse(execFileSync(process.execPath, [program, 'run', join(golden, `${name}.yaml`), '--state', state, '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  return { name, checkpoint, ours: (perplexity.rebuilt ?? perplexity.initial)['heldout.txt'] };
}

try {
  await build();
  const runs = names.map(prune);
  const text = join(packageRoot, 'pipelines', 'demo', 'heldout.txt');
  const said = execFileSync(python, [join(packageRoot, 'tools', 'transformers', 'perplexity.py'), text, window, ...runs.map(({ checkpoint }) => checkpoint)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const { versions, perplexity } = JSON.parse(said);
  console.log(`transformers ${versions.transformers}, torch ${versions.torch}`);
  const expected = {};
  for (const [index, { name, checkpoint, ours }] of runs.entries()) {
    const theirs = perplexity[index];
    const agrees = Math.abs(ours / theirs - 1) < tolerance;
    if (!agrees) process.exitCode = 1;
    console.log(`${name}: ours ${ours.toFixed(6)}, transformers ${theirs.toFixed(6)}, ${agrees ? 'equal' : 'DIFFERENT'} (${((ours / theirs - 1) * 100).toFixed(5)} %)`);
    expected[name] = { perplexity: theirs, sha256: createHash('sha256').update(readFileSync(join(checkpoint, 'model.safetensors'))).digest('hex') };
  }
  if (write) {
    writeFileSync(join(golden, 'expected.json'), `${JSON.stringify({ versions, ...expected }, null, 2)}\n`);
    // The card and the licence of the model stand beside the demo's model.
    cpSync(runs.at(-1).checkpoint, join(golden, 'refitted'), { recursive: true, filter: (path) => !/(README\.md|LICENSE)$/.test(path) });
  }
} finally {
  rmSync(state, { recursive: true, force: true });
}
