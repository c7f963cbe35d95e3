import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { timelineView } from '../../../../app/report/view/timeline-view.js';
import { TimelineKeeper } from '../../../../workflows/timeline.js';
import type { Timeline, TimelineUnit } from '../../../../workflows/protocol.js';

const from = '2026-01-02T03:04:00.000Z';
const stages = ['calibration', 'initialMask', 'rebuild', 'evaluation'] as const;

/** The work of a run: one unit after the other, each on some worker. */
const timelines = fc.array(fc.record({
  stage: fc.option(fc.constantFrom(...stages), { nil: undefined }), worker: fc.nat(20), gap: fc.nat(5000), wait: fc.nat(5000), work: fc.nat(5000),
  attempts: fc.option(fc.integer({ min: 2, max: 9 }), { nil: undefined }), lost: fc.boolean(),
}), { minLength: 1, maxLength: 700 }).map((pieces): Timeline => {
  let at = 0;
  const units = pieces.map(({ stage, worker, gap, wait, work, attempts, lost }, index): TimelineUnit => {
    const asked = (at += gap);
    const begun = (at += wait);
    const ended = (at += work);
    const times = { asked: asked / 1000, begun: begun / 1000, ended: ended / 1000 };
    return { ...(stage && { stage }), what: `piece ${index}`, worker, ...times, ...(attempts && { attempts }), ...(lost && { lost: true as const }) };
  });
  return { from, workers: Array.from({ length: 21 }, (_, worker) => `${worker}@m${worker % 3}`), units };
});

it('draws every second once, in lanes that fit the run', () => {
  fc.assert(fc.property(timelines, (timeline) => {
    const view = timelineView(timeline, [{ at: from, what: 'x' }, { at: 'never', what: 'y' }]);
    if (view === undefined) throw new Error('the view is undefined');
    const { lanes, seconds, idle, incidents, repeated } = view;
    expect(incidents).toEqual([{ at: 0, what: 'x' }]);
    expect(lanes.length).toBeLessThanOrEqual(16);
    const sum = (of: (unit: TimelineUnit) => number): number => timeline.units.reduce((total, unit) => total + of(unit), 0);
    const told = lanes.reduce((total, { worked, waited, lost }) => total + worked + waited + lost, 0);
    expect(told).toBeCloseTo(sum(({ asked, ended }) => ended - asked), 3);
    // Units follow each other here, so the remaining time is idle.
    const gaps = timeline.units.map(({ asked }, index) => asked - (timeline.units[index - 1]?.ended ?? 0));
    expect(idle).toBeCloseTo(gaps.filter((gap) => gap >= 2).reduce((total, gap) => total + gap, 0), 3);
    expect(told + gaps.reduce((total, gap) => total + gap, 0)).toBeCloseTo(seconds, 3);
    expect(lanes.reduce((total, { units }) => total + units, 0)).toBe(timeline.units.filter(({ lost }) => !lost).length);
    expect(repeated).toHaveLength(timeline.units.filter(({ lost, attempts }) => lost || attempts).length);
    for (const { spans } of lanes) {
      expect(spans.every(({ from: begin, to }, index) => begin >= (spans[index - 1]?.to ?? 0) && to > begin && to <= seconds)).toBe(true);
    }
  }), { numRuns: 60 });
});

it('is undefined if nothing was recorded', () => {
  expect(timelineView(undefined, [])).toBeUndefined();
  expect(timelineView({ from, workers: [], units: [] }, [])).toBeUndefined();
});

it('shows a failed attempt, the wait for a worker, and work lost with a worker', () => {
  const unit = { stage: 'rebuild' as const, what: 'rebuild, layer 1', worker: 0, asked: 0, begun: 0, ended: 0 };
  const view = timelineView({ from, workers: ['1@a', '2@b'], units: [
    { ...unit, begun: 3, ended: 5, attempts: 2 }, { ...unit, asked: 5, begun: 5, ended: 9, lost: true }, { ...unit, worker: 1, asked: 9, begun: 12, ended: 14 },
  ] }, []);
  expect(view?.lanes.map(({ worker, spans }) => [worker, spans.map(({ kind, from: begin, to }) => [kind, begin, to])])).toEqual([
    ['1@a', [['lost', 0, 3], ['rebuild', 3, 5], ['lost', 5, 9]]], ['2@b', [['waiting', 9, 12], ['rebuild', 12, 14]]],
  ]);
  expect(view?.repeated.map(({ worker, why }) => [worker, why])).toEqual([['1@a', '1 failed attempt before'], ['1@a', 'it failed, or its worker was lost']]);
});

it('counts time without a worker as waiting, even if the work was lost', () => {
  vi.useFakeTimers({ now: Date.parse(from) + 70_000 });
  try {
    const keeper = new TimelineKeeper();
    keeper.begin(undefined, new Date(from));
    const asked = Date.parse(from);
    keeper.add('rebuild', { what: 'layer 0', worker: '1@a', asked, seated: asked + 60_000, lost: true });
    expect(timelineView(keeper.soFar(), [])?.lanes[0]).toMatchObject({ waited: 60, lost: 10, worked: 0 });
  } finally {
    vi.useRealTimers();
  }
});

it('stays small, and copes with clocks that differ', () => {
  vi.useFakeTimers({ now: Date.parse(from) + 10_000 });
  try {
    const keeper = new TimelineKeeper();
    keeper.begin(undefined, new Date(from));
    const asked = Date.parse(from) + 1000;
    // The clock of this worker is behind.
    keeper.add('rebuild', { what: 'layer 0', worker: '1@a', asked, seated: asked, times: { begun: asked - 500, ended: asked - 100, attempt: 1 } });
    expect(keeper.soFar().units).toEqual([{ stage: 'rebuild', what: 'layer 0', worker: 0, asked: 1, begun: 1, ended: 1 }]);
    for (let index = 0; index < 9000; index++) keeper.add('rebuild', { what: 'w'.repeat(60), worker: `${index % 2}@a`, asked: asked + index, seated: asked + index, times: { begun: asked + index, ended: asked + index, attempt: 1 } });
    // The server's limit is 2 MB.
    expect(JSON.stringify(keeper.soFar()).length).toBeLessThan(200_000);
    expect(keeper.soFar().units.length + (keeper.soFar().joined ?? 0)).toBe(9001);
    expect(timelineView(keeper.soFar(), [])?.joined).toBe(9001 - keeper.soFar().units.length);
    // What is joined stays with its worker.
    expect(Object.fromEntries(keeper.soFar().workers.map((worker, index) => [worker, keeper.soFar().units.findLast((unit) => unit.worker === index)?.ended]))).toEqual({ '0@a': 9.998, '1@a': 9.999 });
    // The next execution continues the timeline.
    const next = new TimelineKeeper();
    next.begin(keeper.soFar(), new Date(from));
    expect(next.soFar().workers).toEqual(['1@a', '0@a']);
  } finally {
    vi.useRealTimers();
  }
});
