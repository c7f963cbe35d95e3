import { join } from 'node:path';
import { digestOf } from './digest.js';
import { UnsafeNameError } from './errors.js';

/** Longest name of a file or folder in common file systems, in bytes of UTF-8. */
const longestName = 255;

/** Leaves room for an extension, and for the prefix and suffix of temporary files. */
const longestLabel = 200;

const unsafe = /[/\\\p{Cc}]/gu;
const loneSurrogate = /\p{Cs}/u;
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Why a text cannot name a file or folder; undefined if it can. */
function reasonAgainst(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.startsWith('.')) return 'it starts with a dot';
  if (name.search(unsafe) >= 0) return 'it contains a slash, a backslash or a control character';
  if (/[. ]$/.test(name)) return 'it ends with a dot or a space';
  if (device.test(name)) return 'Windows reserves this name for a device';
  if (loneSurrogate.test(name)) return 'it is not well-formed Unicode';
  if (Buffer.byteLength(name) > longestName) return `it is ${Buffer.byteLength(name)} bytes long`;
  return undefined;
}

/**
 * Checks that a text from outside can be the name of a file or folder, and returns it.
 * @param what what the text is, for the message; for example `workflow id`
 * @throws UnsafeNameError if a folder with this name might not be directly below its parent, or cannot be created
 */
export function checkedName(name: unknown, what: string): string {
  const reason = typeof name === 'string' ? reasonAgainst(name) : 'it is not text';
  if (typeof name === 'string' && reason === undefined) return name;
  const text = String(JSON.stringify(name));
  throw new UnsafeNameError({
    where: `${what} ${text.length > 100 ? `${text.slice(0, 97)}...` : text}`,
    what: `it cannot name a file or folder: ${reason}`,
    expected: `no slash, no leading dot, at most ${longestName} bytes`,
    remedy: 'Choose another name; `temporal-pipeline start` chooses one that fits',
  });
}

/**
 * Joins a folder and a name that must be directly below it. Every name from a request (workflow and sweep ids, states,
 * tasks, keys) becomes a path here and nowhere else.
 * @throws UnsafeNameError
 */
export function pathBelow(folder: string, name: unknown, what: string): string {
  return join(folder, checkedName(name, what));
}

/** Makes a file name from any text: the text itself if possible, otherwise its usable characters and a digest. */
export function fileNameFor(text: string): string {
  if (reasonAgainst(text) === undefined && Buffer.byteLength(text) <= longestLabel) return text;
  const kept = [...text.replace(unsafe, '_').replace(/\p{Cs}/gu, '_').replace(/^\./, '_').replace(device, '_$&')];
  while (Buffer.byteLength(kept.join('')) > longestLabel - 9) kept.pop();
  return `${kept.join('')}~${digestOf(text).slice(0, 8)}`;
}
