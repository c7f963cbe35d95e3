import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePipeline, type ParsedPipeline } from '../../../app/config/index.js';
import { deeperModel } from './deeper-model.js';
import { runWithFaults, runWithoutFaults, type Injected } from './disturbed-run.js';
import type { FaultKind } from './injections.js';
import type { Repeated } from './judge.js';
import { TestCluster, Server } from './test-cluster.js';
import { randomFrom, shuffled } from './random.js';

/** A model to prune, and a text for it. */
export interface Subject {
  name: string;
  model: string;
  text: string;
  /** If given, the model, a smaller LLaMA, is extended to this number of layers. */
  layers?: number;
}

export interface CampaignOptions {
  subjects: readonly Subject[];
  /** In any order; each is injected once. */
  faults: readonly FaultKind[];
  seed: number;
  /** Maximum number of faults in one run. */
  perRun: number;
  /** Duration of a lost connection in seconds. */
  outage: number;
  /** The runs' `durability.maxLoss`. Absent: the default. */
  maxLoss?: number;
  say: (line: string) => void;
  /** Called after each run. */
  onOutcome?: (outcome: Outcome) => void;
}

/** A disturbed run and its outcome. */
export interface Outcome {
  subject: string;
  faults: Injected[];
  lost: string[];
  remade: string[];
  differing: number;
  /** Forwards that were repeated, for each loss of hidden states. */
  repeated: Repeated[];
  failure?: string;
}

function pipelineOf({ name, model, text }: Subject, maxLoss: number | undefined): ParsedPipeline {
  const dataset = `{ file: ${JSON.stringify(text)} }`;
  const yaml = `
version: 1
name: ${name}
model: { source: ${JSON.stringify(model)} }
stages:
  - calibration: { dataset: ${dataset}, samples: 16, sequenceLength: 128 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { granularity: block }
  - rebuild: { granularity: output, strategy: published, ratio: 0.1 }
  - evaluation: { states: [dense, initial, rebuilt], perplexity: [{ dataset: ${dataset}, skipTokens: 4096, maxWindows: 16 }] }
`;
  return parsePipeline({ text: yaml, path: join(tmpdir(), `${name}.yaml`), overrides: maxLoss === undefined ? [] : [`durability.maxLoss=${maxLoss}`] });
}

async function deepened(subject: Subject, folder: string): Promise<Subject> {
  if (subject.layers === undefined) return subject;
  const model = join(folder, `model-${subject.name}`);
  await deeperModel(subject.model, subject.layers, model);
  return { ...subject, model };
}

/** Injects all faults into runs on one server, and judges every run. */
export async function campaign({ subjects: given, faults, seed, perRun, outage, maxLoss, say, onOutcome }: CampaignOptions): Promise<Outcome[]> {
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const server = await Server.start(join(folder, 'server'));
  const outcomes: Outcome[] = [];
  try {
    const subjects = await Promise.all(given.map((subject) => deepened(subject, folder)));
    const expected = new Map<string, Record<string, string>>();
    for (const subject of subjects) {
      const plant = await TestCluster.build(server, folder, `undisturbed-${subject.name}`, 1);
      expected.set(subject.name, await runWithoutFaults(plant, pipelineOf(subject, maxLoss)));
      await plant.tearDown();
    }
    const left = shuffled(random, faults);
    for (let index = 0; left.length > 0; index++) {
      const subject = subjects[index % subjects.length];
      const plant = await TestCluster.build(server, folder, `run-${index}`);
      try {
        const next = left.splice(0, perRun);
        const judged = await runWithFaults(plant, pipelineOf({ ...subject, name: `${subject.name}-${index}` }, maxLoss), next, expected.get(subject.name) ?? {}, { random, outage });
        // Faults that could not be injected before the run ended go to the next run.
        left.unshift(...next);
        const outcome = { subject: subject.name, ...judged };
        outcomes.push(outcome);
        onOutcome?.(outcome);
        say(`${judged.failure === undefined && judged.lost.length === 0 && judged.differing === 0 ? 'ok' : 'BAD'} ${subject.name} ${judged.faults.map(({ kind, recovery, told, untold }) => `${kind} ${recovery.toFixed(1)} s (${told[0] ?? `not told: ${untold}`})`).join('; ')}${judged.failure === undefined ? '' : ` FAILED ${judged.failure}`}${judged.lost.length === 0 ? '' : ` LOST ${judged.lost.join(' ')}`}`);
        if (judged.faults.length === 0 && judged.failure !== undefined) break;
      } finally {
        await plant.tearDown();
      }
    }
    return outcomes;
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
