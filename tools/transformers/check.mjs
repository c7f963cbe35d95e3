/**
 * Checks that Hugging Face transformers loads the checkpoints of the pipeline and measures the same perplexity within 0.1 %. There are
 * three: one with 50 % zeros, one with 2:4, and one with refitted weights.
 *
 *   node tools/transformers/check.mjs --python venv/bin/python [--write]
 *
 * The Python needs torch and transformers (see perplexity.py in this folder). `--write` also updates `test/golden/transformers/`, so that
 * tests can check the same without Python. Exits with code 0 if all agree.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../build.mjs';
import { packageRoot } from '../setup/paths.mjs';

const { values: { python, write } } = parseArgs({ options: { python: { type: 'string', default: 'python3' }, write: { type: 'boolean', default: false } } });
const golden = join(packageRoot, 'test', 'golden', 'transformers');
const names = ['half', 'two-of-four', 'refitted'];
/** Tokens per window in the pipelines of this folder. */
const window = '64';
const tolerance = 0.001;
const state = mkdtempSync(join(tmpdir(), 'check-transformers-'));

/** Runs a pipeline that writes a checkpoint. */
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
    // Not the card and the licence of the model, which are next to the demo's model.
    cpSync(runs.at(-1).checkpoint, join(golden, 'refitted'), { recursive: true, filter: (path) => !/(README\.md|LICENSE)$/.test(path) });
  }
} finally {
  rmSync(state, { recursive: true, force: true });
}
