/**
 * Measures what a sweep shares. Runs 12 members (4 sparsities, 3 ratios, Wanda) of the demo pipeline on three workers with one state.
 * One worker is killed and not replaced. Compares that with 12 separate runs in fresh states. Prints Markdown: how often each artifact
 * was made, and seconds of work.
 *
 * usage: node dist/tools/bench/sweep.js [--pipeline FILE] [--write FILE]
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Manifest } from '../../files/artifacts/index.js';
import { readMeasurements } from '../../app/planning/index.js';
import { markdownTable } from '../../app/report/index.js';
import type { SweepResult, SweepTable } from '../../workflows/sweep-protocol.js';

const { values: options } = parseArgs({ options: { pipeline: { type: 'string', default: 'pipelines/demo.yaml' }, write: { type: 'string' } } });
const sparsities = [0.4, 0.5, 0.6, 0.7];
const ratios = [0.05, 0.1, 0.2];
const shared = ['initialMask.method=wanda', 'rebuild.strategy=published'];

const folder = await mkdtemp(join(tmpdir(), 'bench-sweep-'));
const state = join(folder, 'state');
const program = resolve('app/cli/bin/temporal-pipeline.mjs');

interface Call {
  process: ChildProcess;
  said: () => string;
  ended: Promise<string>;
}

function call(words: string[]): Call {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<string>((done, fail) => {
    child.on('close', (code, signal) => {
      if (code === 0 || signal !== null) done(stdout);
      else fail(new Error(`${words.join(' ')} ended with ${code}:\n${stderr}`));
    });
  });
  return { process: child, said: () => stderr, ended };
}
const answer = async <T>(...words: string[]): Promise<T> => JSON.parse(await call([...words, '--json']).ended) as T;

async function serve(): Promise<Call> {
  const worker = call(['worker', '--state', state]);
  while (!worker.said().includes('Serving')) await sleep(50);
  return worker;
}

/** Returns what a store made, by description: the artifacts, and how often they were made (two workers may make the same one). */
async function madeIn(store: string): Promise<Map<string, { artifacts: Set<string>; times: number }>> {
  const made = new Map<string, { artifacts: Set<string>; times: number }>();
  const lines = (await readFile(join(store, 'log.jsonl'), 'utf8')).trim().split('\n');
  for (const { event, kind, key } of lines.map((line) => JSON.parse(line) as { event: string; kind: string; key: string })) {
    if (event !== 'made' || kind === 'hidden') continue;
    const manifest = JSON.parse(await readFile(join(store, kind, key.slice(0, 2), key, 'manifest.json'), 'utf8')) as Manifest;
    const what = describe(manifest);
    const entry = made.get(what) ?? { artifacts: new Set(), times: 0 };
    entry.artifacts.add(key);
    entry.times++;
    made.set(what, entry);
  }
  return made;
}

const masks = new Map<string, string>();
function describe({ kind, key, dependsOn }: Manifest): string {
  const text = JSON.stringify(dependsOn);
  if (kind === 'tokens') return text.includes('skipTokens') ? 'evaluation windows' : 'calibration windows';
  if (kind === 'mask') {
    const what = text.includes('granularity') ? 'rebuilt' : 'initial';
    masks.set(key, what);
    return `${what} masks, one per layer`;
  }
  const used = [...masks].find(([mask]) => text.includes(mask))?.[1] ?? 'dense';
  return `perplexities, ${used}`;
}

/** Returns the units of work that were actually done in the given states, and their seconds. */
async function workIn(states: string[]): Promise<Map<string, { units: number; seconds: number }>> {
  const work = new Map<string, { units: number; seconds: number }>();
  for (const one of (await Promise.all(states.map(readMeasurements))).flat()) {
    const entry = work.get(one.kind) ?? { units: 0, seconds: 0 };
    work.set(one.kind, { units: entry.units + 1, seconds: entry.seconds + one.measured.seconds });
  }
  return work;
}

try {
  const file = join(folder, 'sweep.yaml');
  const values = (list: number[]): string => `[${list.join(', ')}]`;
  const set = shared.map((word) => word.replace('=', ': ')).join(', ');
  await writeFile(file, `version: 1\nname: bench\npipeline: ${resolve(options.pipeline)}\nset: { ${set} }\nmatrix: { initialMask.sparsity: ${values(sparsities)}, rebuild.ratio: ${values(ratios)} }\nmaxParallel: 3\nbest: { metric: perplexity.rebuilt, goal: min }\n`);

  const workers = [await serve(), await serve(), await serve()];
  const { workflowId } = await answer<{ workflowId: string }>('sweep', 'start', file, '--state', state);
  const doneNow = async (): Promise<number> => (await answer<SweepTable>('sweep', 'report', workflowId, '--state', state)).rows.filter(({ status }) => status === 'done').length;
  while ((await doneNow()) < 2) await sleep(200);
  const victim = workers.pop();
  victim?.process.kill('SIGKILL');
  await victim?.ended;
  const doneThen = await doneNow();
  const result = await answer<SweepResult>('sweep', 'watch', workflowId, '--state', state);
  for (const { process: worker } of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ ended }) => ended));

  const single = join(folder, 'single');
  await answer<SweepResult>('sweep', 'run', file, '--state', single);

  const separate: string[] = [];
  for (const sparsity of sparsities) {
    for (const ratio of ratios) {
      const own = join(folder, `alone-${sparsity}-${ratio}`);
      const words = [...shared, `initialMask.sparsity=${sparsity}`, `rebuild.ratio=${ratio}`].flatMap((word) => ['--set', word]);
      const alone = await answer<{ perplexity: { rebuilt: Record<string, number> } }>('run', resolve(options.pipeline), ...words, '--state', own);
      const member = result.rows.find((row) => row.values['initialMask.sparsity'] === sparsity && row.values['rebuild.ratio'] === ratio);
      if (JSON.stringify(member?.perplexity?.rebuilt) !== JSON.stringify(alone.perplexity.rebuilt)) throw new Error(`${member?.name ?? ''} differs from its separate run`);
      separate.push(own);
    }
  }

  const made = await madeIn(join(state, 'artifacts'));
  const aloneMade = new Map<string, number>();
  for (const own of separate) for (const [what, { times }] of await madeIn(join(own, 'artifacts'))) aloneMade.set(what, (aloneMade.get(what) ?? 0) + times);
  const [together, one, apart] = [await workIn([state]), await workIn([single]), await workIn(separate)];
  const sum = (work: typeof together): { units: number; seconds: number } => [...work.values()].reduce((all, { units, seconds }) => ({ units: all.units + units, seconds: all.seconds + seconds }), { units: 0, seconds: 0 });
  const cells = (work: { units: number; seconds: number } | undefined): string[] => [String(work?.units ?? 0), (work?.seconds ?? 0).toFixed(2)];
  const line = (kind: string): string[] => [kind, ...[together, one, apart].flatMap((work) => cells(work.get(kind)))];
  const finished = result.rows.filter(({ status }) => status === 'done').length;
  const text = [
    `${finished} of ${result.rows.length} members done; one of 3 workers was killed when ${doneThen} were. All perplexities are bit for bit those of the separate runs.`,
    markdownTable([['made', 'different', 'times made in the sweep', 'times made in 12 separate runs'], ...[...made].map(([what, { artifacts, times }]) => [what, String(artifacts.size), String(times), String(aloneMade.get(what) ?? 0)])]),
    markdownTable([
      ['unit of work', 'sweep, 3 workers: units', 'seconds', 'sweep, 1 worker: units', 'seconds', '12 separate runs: units', 'seconds'],
      ...[...apart.keys()].map(line),
      ['all', ...[together, one, apart].flatMap((work) => cells(sum(work)))],
    ]),
    'Seconds are elapsed time while a unit runs: workers that share cores slow each other down.',
  ].join('\n\n');
  console.log(text);
  if (options.write !== undefined) await writeFile(options.write, `${text}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
