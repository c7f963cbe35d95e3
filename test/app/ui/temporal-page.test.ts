/** What Temporal's own page shows of a run, read from the server. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { temporal } from '@temporalio/proto';
import { defaultPayloadConverter } from '@temporalio/common';
import { startLiveServer, type LiveServer } from './live-server.js';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer('ui-temporal');
});
afterAll(() => server.close());

const text = (payload: temporal.api.common.v1.IPayload | null | undefined): string | undefined => (payload ? defaultPayloadConverter.fromPayload(payload) : undefined);

it('shows what each activity does, which pipeline a run is, and how far it is', async () => {
  server.allow(1);
  await server.start('told');
  const handle = server.client.workflow.getHandle('told');
  const details = async (): Promise<string> => {
    const { currentDetails } = await handle.query<temporal.api.sdk.v1.IWorkflowMetadata>('__temporal_workflow_metadata');
    return currentDetails ?? '';
  };
  await expect.poll(details, { timeout: 120_000 }).toContain('| rebuild | running | 1 of 2 | 1.0 s | layer 1 |');
  expect(await details()).toContain('Last rebuilt: layer 0, mlp: error 2.000 -> 1.000');
  server.allow(2);
  await handle.result();
  expect(await details()).toContain('| evaluation | done |');

  const description = await handle.describe();
  expect(await description.staticSummary()).toBe('model, 50 %, wanda, published');
  expect(await description.staticDetails()).toContain('1. calibration\n2. initialMask\n3. rebuild\n4. evaluation');
  const { events } = await handle.fetchHistory();
  const summaries = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: attributes, userMetadata }) => (attributes ? [text(userMetadata?.summary)] : []));
  expect(summaries.slice(0, 8)).toEqual([
    'waits for a free worker', 'checks of model, files and memory', 'calibration', 'initial mask, layer 0', 'initial mask, layer 1', 'initial mask, proving the masks', 'rebuild, layer 0', 'rebuild, layer 1',
  ]);
  expect(summaries.at(-1)).toBe('report');
  expect(summaries).not.toContain(undefined);
});

it('fits long names, and names with multi-byte characters, into the limits of the server', async () => {
  for (const [index, name] of ['\u0001'.repeat(300), '"\\'.repeat(300), '𝒎'.repeat(300), '|\n'.repeat(300)].entries()) {
    server.allow(2);
    await server.start(`long-${index}`, { model: { source: name }, name });
    await server.client.workflow.getHandle(`long-${index}`).result();
  }
});
