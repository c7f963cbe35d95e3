import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { identify } from '../../../files/artifacts/index.js';
import { giveUpPartial, presentBytes, takePartial } from '../../../files/hub/partial-file.js';

let folder: string;
let blob: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'partial-'));
  blob = join(folder, 'abc');
});
afterEach(() => { rmSync(folder, { recursive: true }); });

/** The name of this machine in file names. */
let host: string;
beforeEach(async () => {
  const own = (await takePartial(blob, never)) ?? '';
  host = /-(\w+)\.incomplete$/.exec(own)?.[1] ?? '';
  await giveUpPartial(blob, own);
});
const never = (): void => { throw new Error('waits'); };

it('is taken over from a dead process, and from one that has given up', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(`${blob}.${pid}-1-${host}.incomplete`, '1234');
  const own = (await takePartial(blob, never)) ?? '';
  expect(statSync(own).size).toBe(4);
  await giveUpPartial(blob, own);
  expect(readdirSync(folder)).toEqual(['abc.free.incomplete']);
  expect(await presentBytes(blob)).toBe(4);
  expect(await takePartial(blob, never)).toBe(own);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('is left to a process on a clone of this machine, which is unknown here', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const theirs = `${blob}.${pid}-1-${hostname().replace(/[^\w]/g, '_')}.incomplete`;
  writeFileSync(theirs, '12');
  let waits = 0;
  const taken = takePartial(blob, () => {
    waits++;
    rmSync(theirs, { force: true });
  });
  expect(statSync((await taken) ?? '').size).toBe(0);
  expect(waits).toBe(1);
});

it('is left to a live process until it is done', async () => {
  const { pid, started = '0' } = identify(process.ppid);
  const theirs = `${blob}.${pid}-${started}-${host}.incomplete`;
  writeFileSync(theirs, '12');
  let waits = 0;
  const taken = takePartial(blob, () => {
    if (++waits === 2) {
      rmSync(theirs);
      writeFileSync(blob, '1234');
    }
  });
  expect(await taken).toBeUndefined();
  expect(waits).toBe(2);
});

it('leaves the files of other programs alone', async () => {
  writeFileSync(`${blob}.incomplete`, "huggingface_hub's");
  writeFileSync(join(folder, `xyz.1-1-${host}.incomplete`), 'of another blob');
  const own = (await takePartial(blob, never)) ?? '';
  expect(statSync(own).size).toBe(0);
  expect(await presentBytes(blob)).toBe(0);
  await giveUpPartial(blob, own);
  expect(existsSync(own)).toBe(false);
  expect(readdirSync(folder)).toEqual(['abc.incomplete', `xyz.1-1-${host}.incomplete`]);
});
