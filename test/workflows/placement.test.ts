/** Where a run's activities go, without a server. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure, type ActivityOptions } from '@temporalio/workflow';
import { expect, it, vi } from 'vitest';
import type { Activities } from '../../activities/types.js';

/** Answers an activity on a task queue. */
let answer: (name: string, options: ActivityOptions, input: unknown) => Promise<unknown> = () => Promise.resolve({});
vi.mock('@temporalio/workflow', async (original) => ({
  ...(await original<object>()),
  proxyActivities: (options: ActivityOptions) => new Proxy({}, { get: (_, name: string) => (input: unknown) => answer(name, options, input) }),
}));
const { Placement } = await import('../../workflows/placement.js');
type Seating = ConstructorParameters<typeof Placement>[0];

const failure = (cause: Error): ActivityFailure => new ActivityFailure('failed', 'a', '1', 'TIMEOUT', undefined, cause);
const gone = failure(new TimeoutFailure('no worker', undefined, 'SCHEDULE_TO_START'));
const placeOf = (taskQueue: string) => ({ taskQueue, store: 's', worker: taskQueue });
const watching = { onBegin: () => '', onEnd: () => undefined, onMove: () => undefined };

/** A run with shards on `a`, `b` and `c`. */
async function seated(): Promise<{ seating: Seating; placement: InstanceType<typeof Placement> }> {
  const free = ['a', 'b', 'c'];
  answer = (name) => (name === 'takeSeat' && free.length > 0 ? Promise.resolve(placeOf(free.shift() ?? '')) : Promise.reject(failure(ApplicationFailure.create({ type: 'SeatTakenError' }))));
  const seating: Seating = {};
  const placement = new Placement(seating, { startToCloseTimeout: '1 day' }, watching);
  await placement.forShards(3, true);
  expect(seating.shards).toEqual(['a', 'b', 'c']);
  return { seating, placement };
}

it('asks for more workers for a shorter time than a seat is kept without work', async () => {
  const times: unknown[] = [];
  await seated();
  const before = answer;
  answer = (name, options, input) => {
    if (options.scheduleToCloseTimeout !== undefined) times.push(options.scheduleToCloseTimeout);
    return before(name, options, input);
  };
  const placement = new Placement({ place: placeOf('a'), store: 's' }, { startToCloseTimeout: '1 day' }, watching);
  await placement.forShards(3, true);
  // A seat is kept for 3 seconds (activities/seat.ts).
  expect(times).toEqual(['1500 ms', '1500 ms']);
});

it('does not wait for the workers of shards once no shards are worked on', async () => {
  const { seating, placement } = await seated();
  placement.withoutShards();
  expect(seating).toEqual({ place: placeOf('a') });
  const asked: string[] = [];
  answer = (name, { taskQueue = 'shared' }) => {
    asked.push(`${name} ${taskQueue}`);
    if (name === 'takeSeat') return Promise.resolve(placeOf('d'));
    return taskQueue === 'd' ? Promise.resolve({ report: '/r' }) : Promise.reject(gone);
  };
  await placement.activities.writeReport({} as Parameters<Activities['writeReport']>[0]);
  expect(asked).toEqual(['writeReport a', 'takeSeat shared', 'writeReport d']);
});

it.each(['EngineChangedError', 'PathNotAllowedError', 'CheckpointNotFoundError'])('gives up a worker of shards that answers %s, and does the shard elsewhere', async (type) => {
  const { seating, placement } = await seated();
  const [, second] = await placement.forShards(3, false);
  const asked: string[] = [];
  answer = (name, { taskQueue = 'shared' }, input) => {
    asked.push(taskQueue);
    if (taskQueue === 'shared') return Promise.resolve(placeOf((input as { beside: string[] }).beside.join(' ')));
    return taskQueue === 'b' ? Promise.reject(failure(ApplicationFailure.create({ type, nonRetryable: true }))) : Promise.resolve({ seconds: 1, reused: false });
  };
  const input = {} as Parameters<Activities['gatherShard']>[0];
  await second.gatherShard(input);
  expect(asked).toEqual(['b', 'a']);
  expect(seating.shards).toEqual(['a', 'a', 'c']);
  // It is not asked for again.
  await placement.forShards(3, true);
  await vi.waitFor(() => { expect(seating.more?.at(-1)?.taskQueue).toBe('a c b'); });
});

it('fails with what the only worker answers', async () => {
  const { placement } = await seated();
  placement.withoutShards();
  answer = () => Promise.reject(failure(ApplicationFailure.create({ type: 'EngineChangedError', nonRetryable: true })));
  await expect(placement.activities.gatherShard({} as Parameters<Activities['gatherShard']>[0])).rejects.toMatchObject({ cause: { type: 'EngineChangedError' } });
});
