/** The events that users see of a history, on histories of real runs (tools/record-histories.ts). */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { defaultDataConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { describeEvents } from '../../../app/ui/run-events.js';

async function recentEventsOf(name: string): Promise<{ at: string; what: string; kind: string }[]> {
  const { events } = historyFromJSON(JSON.parse(gunzipSync(readFileSync(`test/workflows/histories/${name}.json.gz`)).toString()));
  return await describeEvents([...(events ?? [])].reverse(), defaultDataConverter);
}

describe('the list of events, newest first', () => {
  it('describes a run that was paused', async () => {
    const told = await recentEventsOf('pause');
    expect(told[0]).toMatchObject({ what: 'done', kind: 'good' });
    const words = told.map(({ what }) => what);
    expect(words.indexOf('asked to continue')).toBeLessThan(words.indexOf('asked to pause'));
    expect(words.filter((word) => /^layer \d rebuilt in .* s: attention -\d+ %, mlp -\d+ %$/.test(word)).length).toBeGreaterThan(0);
    expect(told.map(({ at }) => at)).toEqual(told.map(({ at }) => at).sort().reverse());
  });

  it('describes a run that lost its worker', async () => {
    const told = await recentEventsOf('lost-worker');
    expect(told.filter(({ kind }) => kind === 'bad').map(({ what }) => what)).toContainEqual(expect.stringContaining('its worker is gone'));
    expect(told.filter(({ what }) => what === 'a worker took the run').length).toBeGreaterThan(1);
  });

  it('describes a run that continued as new', async () => {
    expect((await recentEventsOf('continued-1'))[0]).toMatchObject({ what: 'continues with an empty history' });
    expect((await recentEventsOf('continued-2')).at(-1)?.what).toBeDefined();
  });
});

it('includes units that began before the first event read', async () => {
  const { events } = historyFromJSON(JSON.parse(gunzipSync(readFileSync('test/workflows/histories/demo.json.gz')).toString()));
  const completed = (events ?? []).filter(({ activityTaskCompletedEventAttributes: attributes }) => attributes);
  const told = await describeEvents([completed[completed.length - 2]], defaultDataConverter);
  expect(told).toEqual([{ at: expect.any(String) as string, what: expect.stringMatching(/^a unit of work: done/) as string, kind: 'plain' }]);
});

it('includes events that cannot be decoded', async () => {
  const { events } = historyFromJSON(JSON.parse(gunzipSync(readFileSync('test/workflows/histories/demo.json.gz')).toString()));
  const locked = { ...defaultDataConverter, payloadCodecs: [{ encode: () => Promise.reject(new Error('no key')), decode: () => Promise.reject(new Error('no key')) }] };
  const told = await describeEvents([...(events ?? [])].reverse(), locked);
  expect(told.filter(({ what }) => what.startsWith('rebuildLayer: done')).length).toBeGreaterThan(0);
});
