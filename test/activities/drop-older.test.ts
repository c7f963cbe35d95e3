import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dropOlder } from '../../activities/drop-older.js';
import type { RunContext } from '../../activities/types.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { temporaryState } from '../helpers/demo-run.js';

let state: Awaited<ReturnType<typeof temporaryState>>;
beforeAll(async () => {
  state = await temporaryState();
});
afterAll(() => state.remove());

it('removes what is older than the retry once, and reuses what the interrupted retry has made', async () => {
  const store = new ArtifactStore(join(state.state, 'artifacts'));
  const key = ArtifactStore.key('mask', 'some');
  const retry = (notBefore?: string) => ({ notBefore }) as RunContext;
  const make = async (): Promise<boolean> => (await store.findOrMake('mask', 'some', (draft) => draft.write('bits', [Buffer.from('1')]).then(() => null))).reused;
  await make();
  await dropOlder(retry(), store, 'mask', key);
  expect(await make()).toBe(true);

  await sleep(5);
  const started = new Date().toISOString();
  await sleep(5);
  await dropOlder(retry(started), store, 'mask', key);
  expect(await make()).toBe(false);
  await dropOlder(retry(started), store, 'mask', key);
  expect(await make()).toBe(true);
  await dropOlder(retry(started), store, 'mask', ArtifactStore.key('mask', 'another'));
});
