/** What set-up says (one line a step) and where the output of the programs that it calls goes (a log file). */
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './paths.mjs';

/** Output of the sub-processes of the last set-up that had any. */
const logFile = join(cacheFolder(), 'setup.log');

let logStarted = false;

function openLog() {
  mkdirSync(cacheFolder(), { recursive: true });
  if (!logStarted) rmSync(logFile, { force: true });
  logStarted = true;
  return openSync(logFile, 'a');
}

/** Path of the log, where this process has called a program. */
export function usedLog() {
  return logStarted ? logFile : undefined;
}

/** A program that set-up called did not succeed. The message ends with the last line that it wrote. */
export class CommandFailed extends Error {}

/**
 * Runs a program with its output in the log. `name` is what a failure calls it.
 * @throws {CommandFailed} where it cannot be started, fails, or takes longer than `seconds`
 */
export async function run(command, args, { name = command, cwd, env = process.env, seconds } = {}) {
  const log = openLog();
  appendFileSync(logFile, `\n$ ${[command, ...args].join(' ')}\n`);
  const written = readFileSync(logFile, 'utf8').length;
  const timeout = seconds === undefined ? undefined : seconds * 1000;
  const child = spawn(command, args, { cwd, env, timeout, killSignal: 'SIGKILL', stdio: ['ignore', log, log] });
  const ending = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  closeSync(log);
  if (ending === 0) return;
  const output = readFileSync(logFile, 'utf8').slice(written).trim();
  const reason = typeof ending === 'number' ? `exit code ${ending}` : ending === 'SIGKILL' && seconds ? `stopped after ${seconds} s` : ending;
  const lastLine = output.split('\n').at(-1).trim();
  throw new CommandFailed(`${name}: ${reason}${lastLine === '' ? '' : `: ${lastLine}`}`);
}

/**
 * One step, one line: `name ... outcome (seconds)`. Further lines of an outcome stand below it.
 * @param {(say: (text: string) => void) => Promise<string> | string} action returns the outcome; `say` adds to the line meanwhile
 * @param stream where the line goes
 */
export async function step(name, action, stream = process.stdout) {
  const start = performance.now();
  stream.write(`${name} ... `);
  try {
    const [outcome, ...details] = (await action((text) => stream.write(`${text} ... `))).split('\n');
    const seconds = Math.round((performance.now() - start) / 1000);
    stream.write(`${outcome}${seconds > 0 ? ` (${seconds} s)` : ''}\n`);
    for (const detail of details) stream.write(`  ${detail}\n`);
  } catch (error) {
    stream.write('failed\n');
    throw error;
  }
}
