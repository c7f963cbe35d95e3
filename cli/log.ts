import path from 'node:path';
import winston from 'winston';
import { statePaths } from './state.js';

export type Logger = winston.Logger;

const readable = winston.format.printf(({ timestamp, level, message, process: name, ...rest }) => {
  const details = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  return `${String(timestamp)} ${String(name)} ${level}: ${String(message)}${details}`;
});

/** The JSON lines file of a process of this state. */
export function logFile(state: string, processName: string): string {
  return path.join(statePaths.logs(state), `${processName}.jsonl`);
}

/**
 * A logger that writes JSON lines to `<state>/logs/<process>.jsonl` (five files of at most 10 MB),
 * and readable lines to stderr if `verbose`. Creates the folder.
 */
export function openLog(options: { state: string; process: string; verbose: boolean }): Logger {
  const stamp = winston.format.combine(winston.format.timestamp(), winston.format.errors({ stack: true }));
  const file = new winston.transports.File({
    filename: logFile(options.state, options.process),
    format: winston.format.combine(stamp, winston.format.json()),
    maxsize: 10_000_000,
    maxFiles: 5,
    tailable: true,
  });
  const console = new winston.transports.Console({
    format: winston.format.combine(stamp, readable),
    stderrLevels: Object.keys(winston.config.npm.levels),
  });
  return winston.createLogger({
    level: options.verbose ? 'debug' : 'info',
    defaultMeta: { process: options.process, pid: process.pid },
    transports: options.verbose ? [file, console] : [file],
  });
}

/** Waits until everything logged so far is in the file. */
export async function closeLog(log: Logger): Promise<void> {
  await new Promise<void>((resolve) => {
    log.once('finish', () => setImmediate(resolve));
    log.end();
  });
}
