import { InvalidArgumentError, Option, type Command } from 'commander';
import { storeLocation } from '../../files/artifacts/store-location.js';
import { admissionVariable } from '../planning/admission-variable.js';
import { defaultTaskQueue, resolveState } from './state.js';

/** Options of every command. */
export interface GlobalOptions {
  /** Absolute. */
  state: string;
  /** Where artifacts are stored: an absolute folder, or `s3://bucket/prefix`. Undefined means the state folder. */
  store: string | undefined;
  taskQueue: string;
  /** `a.b=c`, in order. */
  set: string[];
  allowFloating: boolean;
  json: boolean;
  verbose: boolean;
}

/** For options that may be repeated. */
export const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

/** Parses a number of seconds, 0 or more. @throws InvalidArgumentError */
export function seconds(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number < 0) throw new InvalidArgumentError('Expected a number of seconds, 0 or more.');
  return number;
}

/** Parses a port, or 0. @throws InvalidArgumentError */
export function portNumber(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65_535) throw new InvalidArgumentError('Expected a port, 0 to 65535.');
  return number;
}

/** Parses a whole number, 1 or more. @throws InvalidArgumentError */
export function countOf(value: string): number {
  if (!/^\d+$/.test(value) || Number(value) === 0) throw new InvalidArgumentError('Expected a whole number, 1 or more.');
  return Number(value);
}

/** Adds the options of every command. */
export function addGlobalOptions(command: Command): Command {
  return command
    .option('--state <folder>', 'folder of server database, artifacts, outputs and logs (default: $LLM_BARBER_STATE, else .llm-barber here)')
    .option('--store <place>', 'where artifacts are kept: a folder, or s3://bucket/prefix (default: $LLM_BARBER_STORE, else in the state folder)')
    .addOption(new Option('--set <path=value>', 'override a value of the pipeline file; may be repeated').argParser(collect).default([], 'none'))
    .option('--allow-floating', 'accept a model repository without a revision', false)
    .option('--task-queue <name>', 'task queue of the workers (default: one for each state folder)')
    .option('--no-admission', 'start runs even if they are predicted not to fit into memory or on disk (also LLM_BARBER_ADMISSION=off)')
    .option('--json', 'result as one JSON object on stdout, everything else on stderr', false)
    .option('--verbose', 'show the log on stderr', false);
}

interface RawOptions extends Omit<GlobalOptions, 'state' | 'store' | 'taskQueue'> {
  state?: string;
  store?: string;
  taskQueue?: string;
  admission: boolean;
}

/** Returns the options of a command and of its program, with defaults filled in. */
export function globalOptions(command: Command): GlobalOptions {
  const { state: folder, store: place = process.env['LLM_BARBER_STORE'], taskQueue, set, allowFloating, admission, json, verbose } = command.optsWithGlobals<RawOptions>();
  // The worker and its compute process inherit this variable.
  if (!admission) process.env[admissionVariable] = 'off';
  const state = resolveState(folder);
  const store = place === undefined || place === '' ? undefined : storeLocation(place);
  return { state, store, taskQueue: taskQueue ?? defaultTaskQueue(state), set, allowFloating, json, verbose };
}
