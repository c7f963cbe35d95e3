/** Some faults end a run if they return in the same activity: a process that crashes, a device without enough memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RemoteFault } from '../../activities/compute/host.js';
import { createActivities, Seat, type ComputeHost } from '../../activities/index.js';
import { ArtifactStore } from '../../files/artifacts/index.js';

let state: string;
beforeAll(() => void (state = mkdtempSync(join(tmpdir(), 'faults-'))));
afterAll(() => rmSync(state, { recursive: true }));

const fault = (name: string): RemoteFault => new RemoteFault({ name, message: name, stack: '', retryable: true, text: { what: name } });

it('counts the faults of each class, and no attempts that failed for another reason', async () => {
  let outcome: Error | undefined;
  const host = { run: () => (outcome === undefined ? Promise.resolve({}) : Promise.reject(outcome)) } as unknown as ComputeHost;
  const activities = createActivities({ state, host, seat: new Seat(), store: new ArtifactStore(join(state, 'artifacts')), renderReport: () => '', renderPage: () => Promise.resolve(''), renderCard: () => '' });
  const isFinal = async (next?: Error): Promise<boolean | undefined> => {
    outcome = next;
    const environment = new MockActivityEnvironment({ attempt: 30 });
    const failure = await environment.run((input: never) => activities.scorePerplexity(input), {} as never).then(() => undefined, (error: ApplicationFailure) => error);
    return failure?.nonRetryable ?? undefined;
  };
  const memory = fault('EngineMemoryError');
  expect(await isFinal(fault('SystemTroubleError'))).toBe(false);
  expect([await isFinal(memory), await isFinal(fault('ComputeCrashedError')), await isFinal(memory)]).toEqual([false, false, false]);
  expect(await isFinal(memory)).toBe(true);
  // A success starts the count over.
  expect(await isFinal()).toBe(undefined);
  expect(await isFinal(memory)).toBe(false);
});
