import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileDurably } from '../../files/artifacts/index.js';
import { engineText } from '../../science/engine/engine-text.js';
import type { Work } from '../../science/cost/work.js';
import { planningPaths, processorName, secondsOf, type Machine } from './machine.js';

/** The predicted cost of one unit of work, without corrections, and its measured cost. */
export interface Measurement {
  at: string;
  /** Stage and method, for example `rebuild guarded`. */
  kind: string;
  engine: string;
  /** The machine whose speeds predicted the seconds (`Machine.origin`). */
  machine: string;
  /** The processor that it ran on, and the predicted work, so that other speeds can predict its seconds again. */
  processor?: string;
  work?: Work;
  predicted: Amounts;
  measured: Amounts;
}

export interface Amounts {
  seconds: number;
  /** Peak memory of the process. */
  bytes: number;
}

/** Factors on predictions; 1 if nothing was learned. */
export interface Correction {
  factor: number;
  /** Number of units that it was learned from. */
  from: number;
}

/** Maximum number of recent units for a correction. */
const lookBack = 50;
/** Only units of a similar size are used: the overheads of small ones say nothing about large ones. */
const likeSized = 8;
/** Size of the file at which its older half is dropped. */
const maxBytes = 512 * 1024;

/** Adds a unit to the state's record. Estimates are not worth a failed run, so the caller may ignore errors. */
export async function addMeasurement(state: string, measurement: Measurement): Promise<void> {
  const path = planningPaths.measurements(state);
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, `${JSON.stringify(measurement)}\n`);
  if ((await stat(path)).size < maxBytes) return;
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  await writeFileDurably(path, [Buffer.from(`${lines.slice(Math.floor(lines.length / 2)).join('\n')}\n`)]);
}

/** Returns all recorded units, oldest first. Skips a line that a crash cut short. */
export async function readMeasurements(state: string): Promise<Measurement[]> {
  const text = await readFile(planningPaths.measurements(state), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Measurement];
    } catch {
      return [];
    }
  });
}

/**
 * Predicts the units that ran on a machine again with its speeds, whenever these were measured. So a run that was predicted with assumed
 * speeds, or with those of a busy machine, is as useful as any other.
 */
export function predictedBy(machine: Machine, measurements: readonly Measurement[], processor = processorName()): Measurement[] {
  return measurements.map((one) =>
    one.work === undefined || one.processor !== processor ? one : { ...one, machine: machine.origin, predicted: { ...one.predicted, seconds: secondsOf(one.work, machine) } },
  );
}

/** Factor between measured and predicted seconds above which the speeds are doubted. */
const doubtful = 3;
/** With fewer units, nothing is concluded. */
const fewest = 5;

/** Whether the newest units of an engine took so much more or less time than a machine's speeds predict that the speeds may be wrong. */
export function disagree(machine: Machine, measurements: readonly Measurement[], processor = processorName()): boolean {
  const units = predictedBy(machine, measurements, processor).filter((one) => one.machine === machine.origin && one.engine === engineText(machine.engine)).slice(-lookBack);
  const total = (side: 'predicted' | 'measured'): number => units.reduce((sum, one) => sum + one[side].seconds, 0);
  const ratio = total('measured') / total('predicted');
  return units.length >= fewest && (ratio > doubtful || ratio < 1 / doubtful);
}

/** A prediction to correct. */
export interface Prediction {
  kind: string;
  engine: string;
  machine: string;
  amount: 'seconds' | 'bytes';
  value: number;
}

/**
 * Returns the median of measured / predicted over the newest {@link lookBack} units of the same kind and engine whose prediction is within
 * a factor of {@link likeSized} of this one. Seconds must also be predicted with the same machine's speeds.
 */
export function correctionOf(measurements: readonly Measurement[], { kind, engine, machine, amount, value }: Prediction): Correction {
  const ratios = measurements
    .filter((one) => one.kind === kind && one.engine === engine && (amount === 'bytes' || one.machine === machine))
    .filter(({ predicted }) => predicted[amount] > 0 && value <= likeSized * predicted[amount] && predicted[amount] <= likeSized * value)
    .slice(-lookBack)
    .map(({ predicted, measured }) => measured[amount] / predicted[amount])
    .sort((a, b) => a - b);
  if (ratios.length === 0) return { factor: 1, from: 0 };
  const middle = (ratios.length - 1) / 2;
  return { factor: (ratios[Math.floor(middle)] + ratios[Math.ceil(middle)]) / 2, from: ratios.length };
}
