import { accessSync, constants, mkdirSync } from 'node:fs';
import path from 'node:path';
import winston from 'winston';
import { withoutSecrets } from '../../errors/secrets.js';
import { StateFolderError } from './errors.js';
import { statePaths } from './state.js';

export type Logger = winston.Logger;

const readable = winston.format.printf(({ timestamp, level, message, process: name, ...rest }) => {
  const details = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  return `${String(timestamp)} ${String(name)} ${level}: ${String(message)}${details}`;
});

/** The last step of every format, because the message of a library may quote its input. */
const message = Symbol.for('message');
const redact = winston.format((info) => ({ ...info, [message]: withoutSecrets(String(info[message])) }))();

/** The JSON lines file of a process of this state. */
export function logFile(state: string, processName: string): string {
  return path.join(statePaths.logs(state), `${processName}.jsonl`);
}

/**
 * Opens a logger that writes JSON lines to `<state>/logs/<process>.jsonl` (five files of at most 10 MB), and readable lines to stderr if
 * `verbose`. Creates the folder.
 * @throws StateFolderError
 */
export function openLog(options: { state: string; process: string; verbose: boolean }): Logger {
  prepareLogs(options.state);
  const stamp = winston.format.combine(winston.format.timestamp(), winston.format.errors({ stack: true }));
  const file = new winston.transports.File({
    filename: logFile(options.state, options.process),
    format: winston.format.combine(stamp, winston.format.json(), redact),
    maxsize: 10_000_000,
    maxFiles: 5,
    tailable: true,
  });
  const console = new winston.transports.Console({
    format: winston.format.combine(stamp, readable, redact),
    stderrLevels: Object.keys(winston.config.npm.levels),
  });
  const log = winston.createLogger({
    level: options.verbose ? 'debug' : 'info',
    defaultMeta: { process: options.process, pid: process.pid },
    transports: options.verbose ? [file, console] : [file],
  });
  // A full disk must not end a run because of its log.
  log.on('error', () => undefined);
  return log;
}

function prepareLogs(state: string): void {
  const folder = statePaths.logs(state);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StateFolderError({ what: `cannot be used as the state folder: ${reason}`, where: state, remedy: 'Give another folder with --state' }, { cause });
  }
}

/** Maximum time for closing a log, in milliseconds. After a failed write (full disk) it never reports that it has closed. */
const closePatienceMs = 2_000;

/** Waits until everything logged so far is in the file. */
export async function closeLog(log: Logger): Promise<void> {
  await new Promise<void>((resolve) => {
    const deadline = setTimeout(resolve, closePatienceMs);
    log.once('finish', () => {
      clearTimeout(deadline);
      setImmediate(resolve);
    });
    log.end();
  });
}
