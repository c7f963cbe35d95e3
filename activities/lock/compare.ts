import type { Lock } from '../../app/config/lock.js';
import type { LockedInputs } from './make-lock.js';

/** Something that differs from the lock. */
export interface Difference {
  what: string;
  locked: string;
  found: string;
}

/** Returns all inputs that differ from the lock. */
export function inputDifferences(lock: Lock, found: LockedInputs): Difference[] {
  const { outputs: _, pipelineDigest, ...locked } = lock;
  const { pipelineDigest: digest, ...present } = found;
  const differences = differencesOf('', locked, present);
  // The digest differs whenever a value of the pipeline does. It is listed only if no value differs, which means that the lock was edited.
  return pipelineDigest === digest || differences.some(({ what }) => what.startsWith('pipeline')) ? differences : [...differences, ...differencesOf('pipelineDigest', pipelineDigest, digest)];
}

/** Returns all outputs that differ from the lock. */
export function outputDifferences(locked: Lock['outputs'], found: Lock['outputs']): Difference[] {
  return differencesOf('', locked, found);
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function differencesOf(what: string, locked: unknown, found: unknown): Difference[] {
  if (isContainer(locked) && isContainer(found)) {
    const keys = [...new Set([...Object.keys(locked), ...Object.keys(found)])];
    return keys.flatMap((key) => differencesOf(inside(what, key), locked[key], found[key]));
  }
  return Object.is(locked, found) ? [] : [{ what, locked: shown(locked), found: shown(found) }];
}

/** The path of a key, for example `stages[1].rebuild.ratio` or `files[./text/a.txt]`. */
function inside(what: string, key: string): string {
  if (!/^[A-Za-z]\w*$/.test(key)) return `${what}[${key}]`;
  return what === '' ? key : `${what}.${key}`;
}

/** Shortens long values. Digests are shorter than the limit and stay complete, because people search for them. */
function shown(value: unknown): string {
  if (value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Formats differences as a table, one per line. */
export function differenceTable(differences: readonly Difference[]): string {
  const rows = [{ what: 'what', locked: 'locked', found: 'found' }, ...differences];
  const width = (column: 'what' | 'locked'): number => Math.max(...rows.map((row) => row[column].length));
  return rows.map(({ what, locked, found }) => `  ${what.padEnd(width('what'))}  ${locked.padEnd(width('locked'))}  ${found}`).join('\n');
}
