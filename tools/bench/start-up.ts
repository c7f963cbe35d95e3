/**
 * Measures what a command costs before it does anything: its processor time (user and system) compared with that of `node -e 0`. Other
 * programs on the machine disturb processor time less than the clock. Takes the median of 20 runs each. The commands take turns, so that
 * a busy minute affects all of them alike.
 *
 * usage: node dist/tools/bench/start-up.js [RUNS]
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '#setup/paths.mjs';

const runs = Number(process.argv[2] ?? 20);
if (!Number.isInteger(runs) || runs < 1) throw new Error('usage: node dist/tools/bench/start-up.js [RUNS]');
const program = (name: string): string => join(packageRoot, 'app', 'cli', 'bin', `${name}.mjs`);
const pipeline = join(packageRoot, 'pipelines', 'demo.yaml');

/** Command lines of Node, and the maximum processor time of each as a multiple of the first. */
const cases: readonly { name: string; words: readonly string[]; atMost?: number }[] = [
  { name: 'node -e 0', words: ['-e', '0'] },
  { name: 'temporal-pipeline --version', words: [program('temporal-pipeline'), '--version'], atMost: 3 },
  { name: 'temporal-pipeline --help', words: [program('temporal-pipeline'), '--help'], atMost: 3 },
  { name: 'temporal-pipeline validate FILE', words: [program('temporal-pipeline'), 'validate', pipeline], atMost: 8 },
  { name: 'temporal --version, and the real one', words: [program('temporal'), '--version'] },
];

/** Returns the processor time of a process in seconds, as measured by the shell that waits for it. */
function processorTime(words: readonly string[]): number {
  const { stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%3U %3S"; time "$@" > /dev/null 2>&1', 'bash', process.execPath, ...words], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const [user = NaN, system = NaN] = stderr.trim().split(' ').map(Number);
  return user + system;
}

const seconds = cases.map((): number[] => []);
// The first round fills the disk cache, and Node's cache if it has one. It does not count.
for (let round = 0; round <= runs; round += 1) {
  for (const [index, { words }] of cases.entries()) {
    const time = processorTime(words);
    if (round > 0) seconds[index].push(time);
  }
}
const medians = seconds.map((times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]);
process.stdout.write(`Node ${process.versions.node}, median of ${runs} runs\n`);
for (const [index, { name, atMost }] of cases.entries()) {
  const times = medians[index] / medians[0];
  process.stdout.write(`${name.padEnd(38)} ${medians[index].toFixed(3)} s  ${times.toFixed(2)} times${atMost === undefined ? '' : `, at most ${atMost}`}\n`);
}
