import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { EvaluationStage, ZeroShotTask } from '../config/pipeline.js';
import { questionsPerBatch } from './batches.js';
import type { HiddenPass } from './hidden-writes.js';
import * as layers from './layer-cost.js';
import type { ModelSize, Windows } from '../../science/cost/index.js';
import { embedStep, kinds, sampleCost, tokensOf, type Step } from './step.js';

/** Number of documents of a task, and characters of a document with all of its answers. */
interface Documents {
  documents: number;
  characters: number;
}

/**
 * For known tasks: the number of documents in the split, and the approximate number of characters of one. The characters of HellaSwag are a
 * guess; the others were counted.
 */
const known: Readonly<Record<string, Documents>> = {
  boolq: { documents: 3270, characters: 620 },
  rte: { documents: 277, characters: 360 },
  hellaswag: { documents: 10042, characters: 700 },
  winogrande: { documents: 1267, characters: 180 },
  arc_easy: { documents: 2376, characters: 210 },
  arc_challenge: { documents: 1172, characters: 260 },
  openbookqa: { documents: 500, characters: 140 },
  piqa: { documents: 1838, characters: 240 },
};

/** Share of the answers in the characters of a document. Log-likelihoods are computed there. */
const answerShare = 0.4;
/** Maximum bytes of hidden states that go through the layers together (workflows/zero-shot.ts). */
const groupBytes = 4 * 2 ** 30;

/** Size of the beginning of a file from which the length of its lines is estimated. */
const sampleBytes = 64 * 1024;

function documentsOf(task: ZeroShotTask): Documents {
  const found = task.file === undefined ? undefined : countLines(task.file);
  const all = found ?? ('task' in task ? known[task.task] : { documents: 0, characters: 0 });
  return { ...all, documents: Math.max(1, Math.min(all.documents, task.limit ?? Infinity)) };
}

/** Estimates from the lines at the beginning of a file. A Parquet file has no lines, and a missing file nothing to read. */
function countLines(file: string): Documents | undefined {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes === 0 || file.toLowerCase().endsWith('.parquet')) return undefined;
  const handle = openSync(file, 'r');
  try {
    const beginning = Buffer.alloc(Math.min(sampleBytes, bytes));
    const read = readSync(handle, beginning, 0, beginning.length, 0);
    const lines = beginning.subarray(0, read).reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
    const characters = read / Math.max(1, lines);
    return { documents: Math.ceil(bytes / characters), characters };
  } finally {
    closeSync(handle);
  }
}

/** The windows of the tokens that are scored: only the answers. */
export function scoredWindows(windows: Windows): Windows {
  return { ...windows, time: Math.max(1, Math.ceil(windows.time * answerShare)) };
}

/** Cost of the zero-shot tasks of an evaluation. Answers of a document are assumed to share its context. */
export function zeroShotSteps({ zeroShot = [], states }: EvaluationStage, size: ModelSize): { tasks: number; steps: Step[]; disk: { kept: number }; hidden: HiddenPass[]; groups: number } {
  if (zeroShot.length === 0) return { tasks: 0, steps: [], disk: { kept: 0 }, hidden: [], groups: 0 };
  const tasks = zeroShot.map(documentsOf);
  const samples = tasks.reduce((total, { documents }) => total + documents, 0);
  const tokens = tasks.reduce((total, { documents, characters }) => total + documents * tokensOf(characters, size.vocabulary), 0);
  const groups = Math.ceil((4 * tokens * size.hidden) / groupBytes);
  const time = Math.ceil(tokens / samples);
  const perBatch = questionsPerBatch({ attentionHeads: size.heads, hiddenSize: size.hidden, intermediateSize: size.intermediate }, time);
  const windows: Windows = { samples: Math.ceil(samples / groups), time, perBatch };
  const times = groups * states.length;
  return {
    tasks: zeroShot.length,
    steps: [
      ...tasks.map(({ documents, characters }): Step => ({ kind: kinds.sample, count: 1, cost: sampleCost(documents * characters) })),
      embedStep(size, windows, times),
      { kind: kinds.questions, count: times * size.layers, cost: layers.advanceCost(size, windows) },
      { kind: kinds.likelihoods, count: times, cost: layers.scoreCost(size, scoredWindows(windows)) },
    ],
    disk: { kept: 12 * tokens },
    hidden: [{ windows, layers: size.layers, paths: 1, times }],
    groups,
  };
}
