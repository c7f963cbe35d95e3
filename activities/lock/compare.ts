import type { Lock } from '../../app/config/lock.js';
import type { LockedInputs } from './make-lock.js';

/** Something that is not as locked. */
export interface Difference {
  what: string;
  locked: string;
  found: string;
}

/** All inputs that are not as locked. */
export function inputDifferences(lock: Lock, found: LockedInputs): Difference[] {
  const { outputs: _, pipelineDigest, ...locked } = lock;
  const { pipelineDigest: digest, ...present } = found;
  const differences = differencesOf('', locked, present);
  // Says the same as the values, unless the lock was edited.
  return pipelineDigest === digest || differences.some(({ what }) => what.startsWith('pipeline')) ? differences : [...differences, ...differencesOf('pipelineDigest', pipelineDigest, digest)];
}

/** All outputs that are not as locked. */
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

/** `stages[1].rebuild.ratio`, `files[./text/a.txt]`. */
function inside(what: string, key: string): string {
  if (!/^[A-Za-z]\w*$/.test(key)) return `${what}[${key}]`;
  return what === '' ? key : `${what}.${key}`;
}

/** Digests stay whole: people look for them elsewhere. */
function shown(value: unknown): string {
  if (value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A table of differences, each on a line of its own. */
export function differenceTable(differences: readonly Difference[]): string {
  const rows = [{ what: 'what', locked: 'locked', found: 'found' }, ...differences];
  const width = (column: 'what' | 'locked'): number => Math.max(...rows.map((row) => row[column].length));
  return rows.map(({ what, locked, found }) => `  ${what.padEnd(width('what'))}  ${locked.padEnd(width('locked'))}  ${found}`).join('\n');
}
