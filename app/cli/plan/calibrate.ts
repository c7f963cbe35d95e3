import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { programPath } from '#setup/paths.mjs';
import type { EngineRequest } from '../../../science/engine/index.js';
import { bestSpeeds, disagree, keepMachine, knownMachine, type Machine, type Measurement } from '../../planning/index.js';
import { CalibrationError } from '../errors.js';

const program = programPath('measure');

/** Largest factor between two measurements of a quiet machine. */
const repeatable = 1.5;

export interface CalibrationRequest {
  state: string;
  engine: EngineRequest;
  /** Measure even if the speeds are known. */
  renew: boolean;
  /** Measurements of earlier runs. */
  measurements: readonly Measurement[];
  /** Measures the machine. By default it runs in a separate process, because a broken native library can crash the process. */
  measure?: (engine: EngineRequest, state: string) => Promise<Machine>;
  /** Called with messages for the user, line by line. */
  say?: (line: string) => void;
}

/**
 * Returns the speeds of this machine: those measured before, or new ones, which are then kept in the state folder. They are measured again
 * if the machine was busy the last time, and once if runs disagree with them.
 * @throws CalibrationError
 */
export async function calibratedMachine({ state, engine, renew, measurements, measure = measureApart, say = toStderr }: CalibrationRequest): Promise<Machine> {
  const known = renew ? undefined : await knownMachine(state, engine);
  const doubted = known !== undefined && known.confirmed !== true && disagree(known, measurements);
  if (known !== undefined && known.busy === undefined && !doubted) return known;
  say(doubted && known.busy === undefined ? 'Measuring this machine again, because runs did not take the predicted time ...' : 'Measuring this machine ...');
  const machine = latest(known, await measure(engine, state), doubted);
  if (machine.busy !== undefined) say(`Warning: this machine is busy (${machine.busy}), so the predicted times may be too long. The next plan measures again.`);
  await keepMachine(state, machine);
  return machine;
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Merges the known speeds with a new measurement. */
function latest(known: Machine | undefined, found: Machine, doubted: boolean): Machine {
  if (known === undefined) return found;
  if (found.busy !== undefined || known.busy !== undefined) {
    const speeds = bestSpeeds(known.speeds, found.speeds);
    return { ...found, speeds };
  }
  const ratio = found.speeds.flops / known.speeds.flops;
  return doubted && ratio < repeatable && ratio > 1 / repeatable ? { ...found, confirmed: true } : found;
}

async function measureApart(engine: EngineRequest, state: string): Promise<Machine> {
  const folder = path.join(state, 'planning');
  await mkdir(folder, { recursive: true });
  let answer: { machine?: Machine; problem?: string };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(engine), folder], { timeout: 300_000 });
    answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as typeof answer;
  } catch (error) {
    answer = { problem: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
  if (answer.machine === undefined) {
    throw new CalibrationError({ where: 'engine', what: `this machine could not be measured: ${answer.problem ?? 'no answer'}`, remedy: '`temporal-pipeline doctor` shows what is missing' });
  }
  return answer.machine;
}
