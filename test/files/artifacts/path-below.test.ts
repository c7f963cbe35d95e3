import { basename, dirname, join, resolve, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedName, fileNameFor, pathBelow, UnsafeNameError } from '../../../files/artifacts/index.js';
import { placeOf } from '../../../files/artifacts/artifact.js';

const folder = resolve('/state/runs');
const outcome = (name: unknown): string | undefined => {
  try {
    return pathBelow(folder, name, 'workflow id');
  } catch (error) {
    expect(error).toBeInstanceOf(UnsafeNameError);
    expect((error as Error).message.length).toBeLessThan(600);
    return undefined;
  }
};

/** Parts that may lead out of a folder, alone and mixed with others. */
const odd = fc.oneof(
  fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.stringMatching(/^[./\\a\0]{0,8}$/),
  fc.array(fc.constantFrom('..', '.', '/', '\\', 'a', 'con', ' ', '\0', '\n', ':', '%2e', '~', '\ud800', 'é'), { maxLength: 6 }).map((parts) => parts.join('')),
);

describe('a name that becomes a path', () => {
  it('gives a path directly below its folder, or is refused', () => {
    fc.assert(
      fc.property(odd, (name) => {
        const path = outcome(name);
        if (path === undefined) return;
        expect(dirname(resolve(path))).toBe(folder);
        expect(basename(path)).toBe(name);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['demo-0123456789abcdef', 'demo-0123-locked-89abcdef', 'grid-0123456789abcdef.sparsity=0.5,ratio=0.1', 'nightly-2026-01-31T02:00:00Z', 'Größe 1', 'a..b', 'x'.repeat(255)])(
    'stays as it is if it is an ordinary name: %s', (name) => {
      expect(outcome(name)).toBe(join(folder, name));
    },
  );

  it.each([
    ['', 'it is empty'], ['.', 'dot'], ['..', 'dot'], ['.hidden', 'dot'], ['../../x', 'dot'], ['a/b', 'slash'], ['a\\b', 'backslash'], ['/etc', 'slash'],
    ['a\0', 'control character'], ['a\n', 'control character'], ['a.', 'ends with a dot'], ['a ', 'space'], ['NUL', 'Windows'], ['con.txt', 'Windows'], ['\ud800', 'well-formed'],
    ['é'.repeat(128), 'it is 256 bytes long'], ['x'.repeat(100_000), '100000 bytes'], [undefined, 'not text'], [5, 'not text'], [['a'], 'not text'], [{ toString: () => 'a' }, 'not text'],
  ])('is refused: %j', (name, why) => {
    expect(() => pathBelow(folder, name, 'workflow id')).toThrow(UnsafeNameError);
    expect(() => pathBelow(folder, name, 'workflow id')).toThrow(why);
  });

  it('is reported with its kind', () => {
    expect(() => checkedName('../x', 'workflow id')).toThrow(/^workflow id "\.\.\/x": it cannot name a file or folder: it starts with a dot; expected no slash.*`temporal-pipeline start`/);
  });

  it('of an artifact is a key, not a path to another file', () => {
    expect(placeOf('mask', 'ab12')).toBe('mask/ab/ab12');
    for (const key of ['../../../etc', 'a/b', '', '..']) expect(() => placeOf('mask', key)).toThrow(UnsafeNameError);
  });
});

describe('a file name for any text', () => {
  it('is valid, and differs for different texts', () => {
    fc.assert(
      fc.property(odd, odd, (a, b) => {
        const names = [a, b].map((text) => `${fileNameFor(text)}.jsonl`);
        for (const name of names) expect(resolve(pathBelow(folder, name, 'task'))).toBe(`${folder}${sep}${name}`);
        if (a !== b) expect(names[0]).not.toBe(names[1]);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the text itself if possible, and is shortened if it is too long', () => {
    for (const text of ['boolq', 'boolq#2', 'my task', 'Prüfung']) expect(fileNameFor(text)).toBe(text);
    expect(fileNameFor('a/b')).toMatch(/^a_b~[0-9a-f]{8}$/);
    expect(fileNameFor('a/b')).not.toBe(fileNameFor('a\\b'));
    expect(Buffer.byteLength(fileNameFor('語'.repeat(100)))).toBeLessThanOrEqual(200);
  });
});
