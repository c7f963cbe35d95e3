import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EngineRequest } from '../../engine/index.js';
import { keepMachine, knownMachine, type Machine } from '../../planning/index.js';
import { CalibrationError } from '../errors.js';

const program = fileURLToPath(new URL('./measure-program.js', import.meta.url));

/**
 * The speeds of this machine: those measured before, or new ones, which then are kept in the state folder. Measured in a process
 * of its own, because a broken native library takes its process along.
 * @throws CalibrationError
 */
export async function calibratedMachine(state: string, backend: EngineRequest['backend'], { renew }: { renew: boolean }): Promise<Machine> {
  const known = renew ? undefined : await knownMachine(state, { backend });
  if (known !== undefined) return known;
  process.stderr.write('Measuring this machine ...\n');
  const folder = path.join(state, 'planning');
  await mkdir(folder, { recursive: true });
  let answer: { machine?: Machine; problem?: string };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, backend, folder], { timeout: 300_000 });
    answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as typeof answer;
  } catch (error) {
    answer = { problem: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
  if (answer.machine === undefined) {
    throw new CalibrationError({ where: 'engine', what: `this machine could not be measured: ${answer.problem ?? 'no answer'}`, remedy: '`temporal-pipeline doctor` says what is missing' });
  }
  await keepMachine(state, answer.machine);
  return answer.machine;
}
