/**
 * Injects faults into real runs of small LLaMA and OPT pipelines, and compares their outputs with those of undisturbed runs:
 * `node dist/tools/bench/faults.js --faults 200 [--seed 1] [--lanes 3] [--per-run 4] [--outage 13] [--data ../shared/data] [--write FILE]`.
 * With `--layers 8 [--max-loss SECONDS]` it prunes a deeper copy of the demo model, with this `durability.maxLoss`.
 * With `--mixtures` it prunes the mixtures of experts in test/golden/mixtures, which need no shared data.
 * Exits with code 1 if a layer was lost, a byte differs or a run failed.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '#setup/paths.mjs';
import { campaign, type Outcome, type Subject } from './faults/campaign.js';
import { faultKinds, type FaultKind } from './faults/injections.js';
import { randomFrom, shuffled } from './faults/random.js';
import { faultTable, repeatedText, untoldText } from './faults/table.js';

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '3' },
    'per-run': { type: 'string', default: '4' },
    outage: { type: 'string', default: '13' },
    data: { type: 'string', default: '../shared/data' },
    mixtures: { type: 'boolean', default: false },
    layers: { type: 'string' },
    'max-loss': { type: 'string' },
    only: { type: 'string', default: '' },
    write: { type: 'string' },
  },
});

const data = resolve(values.data);
const text = join(data, 'text', 'tiny.utf8');
const demo = join(packageRoot, 'pipelines', 'demo');
const demoText = join(demo, 'heldout.txt');
const small: Subject[] = [
  { name: 'stories260K', model: join(data, 'models', 'stories260K'), text },
  { name: 'tiny-opt', model: join(data, 'models', 'tiny-opt'), text },
];
const mixtures: Subject[] = ['qwen3-moe', 'mixtral'].map((name) => ({ name, model: join(packageRoot, 'test', 'golden', 'mixtures', name), text: demoText }));

function subjectsOf({ layers, mixtures: ofExperts }: typeof values): Subject[] {
  if (layers !== undefined) return [{ name: 'deeper-demo', model: join(demo, 'model'), text: demoText, layers: Number(layers) }];
  return ofExperts ? mixtures : small;
}

const subjects = subjectsOf(values);
const kinds = faultKinds.filter((kind) => kind.includes(values.only));
const listed: FaultKind[] = Array.from({ length: Number(values.faults) }, (_, index) => kinds[index % kinds.length]);
const faults = shuffled(randomFrom(Number(values.seed)), listed);
const lanes = Math.min(Number(values.lanes), faults.length);
const finished: Outcome[] = [];
const begun = performance.now();

function table(): string {
  const minutes = ((performance.now() - begun) / 60_000).toFixed(0);
  return `${faultTable(finished)}\n\n${untoldText(finished)}\n\n${repeatedText(finished)}\n\n${finished.length} runs in ${minutes} minutes, seed ${values.seed}.\n`;
}

const campaigns = await Promise.allSettled(
  Array.from({ length: lanes }, (_, lane) =>
    campaign({
      subjects: lane % 2 === 0 ? subjects : subjects.toReversed(),
      faults: faults.filter((_fault, index) => index % lanes === lane),
      seed: Number(values.seed) * 1000 + lane,
      perRun: Number(values['per-run']),
      outage: Number(values.outage),
      ...(values['max-loss'] !== undefined && { maxLoss: Number(values['max-loss']) }),
      say: (line) => {
        process.stderr.write(`${line}\n`);
      },
      onOutcome: (outcome) => {
        finished.push(outcome);
        if (values.write !== undefined) writeFileSync(values.write, table());
      },
    }),
  ),
);
process.stdout.write(table());
const bad = finished.some(({ lost, differing, failure }) => lost.length > 0 || differing > 0 || failure !== undefined);
for (const ended of campaigns) if (ended.status === 'rejected') process.stderr.write(`A campaign broke off: ${String(ended.reason)}\n`);
process.exit(bad || campaigns.some(({ status }) => status === 'rejected') ? 1 : 0);
