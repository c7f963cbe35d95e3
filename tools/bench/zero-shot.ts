/**
 * Measures the zero-shot tasks of a pipeline file in one process, without Temporal: questions, layers, log-likelihoods. Uses the dense
 * model only. Prints seconds of the clock and of the processors. Other programs on the machine disturb the latter less.
 *
 * usage: node dist/tools/bench/zero-shot.js PIPELINE.yaml [--set PATH=VALUE ...]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { advanceLayer } from '../../activities/advance-layer.js';
import { prepareRun } from '../../activities/prepare-run.js';
import type { TokensRef } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import { judgeZeroShot, sampleQuestions, scoreLikelihoods } from '../../activities/zero-shot/index.js';
import { openStore } from '../../files/artifacts/index.js';
import { loadPipeline } from '../../app/config/index.js';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node dist/tools/bench/zero-shot.js PIPELINE.yaml [--set PATH=VALUE ...]');
const { pipeline } = loadPipeline(resolve(file), rest.filter((word) => word !== '--set'));
const tasks = pipeline.stages.flatMap((stage) => (stage.type === 'evaluation' ? (stage.zeroShot ?? []) : []));

async function timed<T>(label: string, work: () => Promise<T>): Promise<T> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  console.log(`${label.padEnd(28)} ${((performance.now() - start) / 1000).toFixed(2).padStart(7)} s ${((user + system) / 1e6).toFixed(2).padStart(7)} s of processors`);
  return result;
}

const state = await mkdtemp(join(tmpdir(), 'bench-zero-shot-'));
try {
  const bench = new Workbench(state, await openStore(state, undefined));
  const context = await prepareRun({ pipeline }, bench);
  await timed('all', async () => {
    const sampled = await timed('questions', async () => {
      const found = [];
      for (const task of tasks) found.push({ label: 'task' in task ? task.task : task.name, task, ...(await sampleQuestions({ context, task }, bench)) });
      return found;
    });
    const parts = sampled.flatMap(({ questions: { key, parts: those } }) => those.map((part, index) => ({ key, part: index, ...part })));
    const samples = parts.reduce((sum, part) => sum + part.samples, 0);
    const total = parts.reduce((sum, part) => sum + part.tokens, 0);
    console.log(`${sampled.reduce((sum, { questions }) => sum + questions.documents, 0)} documents, ${samples} sequences, ${total} tokens with padding`);
    const tokens: TokensRef = { key: 'bench', samples, sequenceLength: Math.ceil(total / samples), questions: parts.map(({ key, part }) => ({ key, part })) };
    const masks = new Array<null>(context.model.layers).fill(null);
    for (let layer = 0; layer < masks.length; layer++) {
      await timed(`layer ${layer}`, () => advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: null }, bench));
    }
    await timed('log-likelihoods', () => scoreLikelihoods({ context, path: { tokens, masks } }, bench));
    const { scores } = await timed('accuracies', () => judgeZeroShot({ context, workflowId: 'bench', state: 'dense', masks, tasks: sampled }, bench));
    for (const [label, { acc, acc_norm }] of Object.entries(scores)) console.log(`  ${label.padEnd(16)} acc ${acc.toFixed(4)}${acc_norm === null ? '' : `, acc_norm ${acc_norm.toFixed(4)}`}`);
  });
} finally {
  await rm(state, { recursive: true, force: true });
}
