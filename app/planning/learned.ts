import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileDurably } from '../../files/artifacts/index.js';
import { engineText } from '../../science/engine/engine-text.js';
import type { Work } from '../../science/cost/work.js';
import { planningPaths, processorName, secondsOf, type Machine } from './machine.js';

/** What one unit of work was predicted to take, without corrections, and what it took. */
export interface Measurement {
  at: string;
  /** Stage and method, for example `rebuild guarded`. */
  kind: string;
  engine: string;
  /** Whose speeds predicted the seconds (`Machine.origin`). */
  machine: string;
  /** On which processor it ran, and the work that was predicted: other speeds predict its seconds again. */
  processor?: string;
  work?: Work;
  predicted: Amounts;
  measured: Amounts;
}

export interface Amounts {
  seconds: number;
  /** Peak of the process. */
  bytes: number;
}

/** Factors on predictions; 1 if nothing was learned. */
export interface Correction {
  factor: number;
  /** Number of units that it was learned from. */
  from: number;
}

/** Units that a correction looks back at. */
const lookBack = 50;
/** Only units of about the same size teach: overheads of small ones say nothing about large ones. */
const likeSized = 8;
/** Size of the file at which its older half is dropped. */
const maxBytes = 512 * 1024;

/** Adds a unit to the state's record. Estimates are not worth a failed run, so the caller may ignore what this throws. */
export async function addMeasurement(state: string, measurement: Measurement): Promise<void> {
  const path = planningPaths.measurements(state);
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, `${JSON.stringify(measurement)}\n`);
  if ((await stat(path)).size < maxBytes) return;
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  await writeFileDurably(path, [Buffer.from(`${lines.slice(Math.floor(lines.length / 2)).join('\n')}\n`)]);
}

/** All units on record, oldest first. A line that a crash cut short is left out. */
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
 * What a machine's speeds would have predicted for the units that ran on it, whenever these speeds were measured: a run that was
 * predicted by assumed speeds, or by those of a busy machine, teaches as much as any other.
 */
export function predictedBy(machine: Machine, measurements: readonly Measurement[], processor = processorName()): Measurement[] {
  return measurements.map((one) =>
    one.work === undefined || one.processor !== processor ? one : { ...one, machine: machine.origin, predicted: { ...one.predicted, seconds: secondsOf(one.work, machine) } },
  );
}

/** How far measured seconds may be from predicted ones, as a factor, before the speeds are doubted. */
const doubtful = 3;
/** Units below which nothing is concluded. */
const fewest = 5;

/** Whether the newest units of an engine took so much more or less than a machine's speeds predict that these may be wrong. */
export function disagree(machine: Machine, measurements: readonly Measurement[], processor = processorName()): boolean {
  const units = predictedBy(machine, measurements, processor).filter((one) => one.machine === machine.origin && one.engine === engineText(machine.engine)).slice(-lookBack);
  const total = (side: 'predicted' | 'measured'): number => units.reduce((sum, one) => sum + one[side].seconds, 0);
  const ratio = total('measured') / total('predicted');
  return units.length >= fewest && (ratio > doubtful || ratio < 1 / doubtful);
}

/** What corrects a prediction. */
export interface Prediction {
  kind: string;
  engine: string;
  machine: string;
  amount: 'seconds' | 'bytes';
  value: number;
}

/**
 * The median of measured / predicted over the newest {@link lookBack} units of the same kind and engine whose prediction was
 * within a factor of {@link likeSized} of this one. Seconds also have to be predicted by the same machine's speeds.
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
