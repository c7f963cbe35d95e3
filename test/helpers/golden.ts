import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Golden data that every clone has: docs/evidence.md. */
export const committedData = join(import.meta.dirname, '../golden');

/** Golden data of larger models beside the clone, if it is there. It is not part of the repository. */
const sharedData = join(import.meta.dirname, '../../../shared/data');

/** Results of the authors' code on a model, and the paths of model and texts. */
export interface GoldenModel {
  name: string;
  /** Masks, perplexities, losses and tokens. */
  data: string;
  model: string;
  calibration: string;
  evaluation: string;
  /** Tokens per window. */
  sequenceLength: number;
  /** Number of calibration windows. */
  samples: number;
}

interface Recorded {
  seqlen: number;
  nsamples: number;
  calibration: string;
  evaluation: string;
}

function goldenModel(name: string, data: string, model: string, texts: string): GoldenModel {
  const { seqlen, nsamples, calibration, evaluation } = JSON.parse(readFileSync(join(data, 'reference.json'), 'utf8')) as Recorded;
  return { name, data, model, calibration: join(texts, calibration), evaluation: join(texts, evaluation), sequenceLength: seqlen, samples: nsamples };
}

const demo = join(import.meta.dirname, '../../pipelines/demo');

/** The demo model, and the larger models whose data is there. */
export const goldenModels: readonly GoldenModel[] = [
  goldenModel('demo', join(committedData, 'demo'), join(demo, 'model'), demo),
  ...['stories260K', 'babyllama-tok105', 'tiny-opt']
    .filter((name) => existsSync(join(sharedData, 'golden', name)))
    .map((name) => goldenModel(name, join(sharedData, 'golden', name), join(sharedData, 'models', name), join(sharedData, 'text'))),
];

/** A small random model, with the logits that transformers computes for it. */
export interface GoldenFamily {
  name: string;
  folder: string;
  /** Whether test/golden/families/make_families.py made it. */
  committed: boolean;
}

function familiesIn(folder: string, committed: boolean): GoldenFamily[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'config.json'))) : [];
  return names.map((name) => ({ name: committed ? name : `shared ${name}`, folder: join(folder, name), committed }));
}

/** Every family and variant. */
export const goldenFamilies: readonly GoldenFamily[] = [
  ...familiesIn(join(committedData, 'families'), true),
  ...familiesIn(join(committedData, 'pytorch'), true),
  ...familiesIn(join(sharedData, 'families'), false),
];

/** Log-likelihoods of lm-evaluation-harness on a model, and the paths of the tasks' documents. */
export interface GoldenZeroShot {
  name: string;
  model: string;
  documents: (task: string) => string;
  file: string;
}

/** The demo model on our own documents, and other models on the tasks' own documents if they are there. */
export const goldenZeroShot: readonly GoldenZeroShot[] = [
  { name: 'demo', model: join(demo, 'model'), documents: (task) => join(committedData, `zero-shot/documents/${task}.jsonl`), file: join(committedData, 'zero-shot/expected.json') },
  ...goldenModels
    .map(({ name, data, model }) => ({ name, model, documents: (task: string) => join(sharedData, `zeroshot/${task === 'rte' ? 'rte.val' : task}.jsonl`), file: join(data, 'zero-shot.json') }))
    .filter(({ file }) => existsSync(file)),
];
