import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SeatLostError, SeatTakenError } from '../../activities/errors.js';
import { Seat } from '../../activities/seat.js';

const never = new AbortController().signal;
const context = {} as Parameters<ReturnType<Seat['slots']>['reserveSlot']>[0];

/** Whether a promise has settled after all pending work has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true), () => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

describe('the seat of a worker', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('belongs to one run at a time, which keeps it between its activities', async () => {
    const seat = new Seat();
    seat.take('a');
    await seat.use('a', () => Promise.resolve());
    expect(() => seat.take('b')).toThrow(SeatTakenError);
    await expect(seat.use('b', () => Promise.resolve())).rejects.toThrow(SeatLostError);
    await expect(seat.use('a', () => Promise.resolve('still here'))).resolves.toBe('still here');
  });

  it('is free after the last activity, or after a while without a word from the run', async () => {
    const seat = new Seat();
    seat.take('a');
    seat.leave('a');
    seat.take('b');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(() => {
      seat.take('c');
    }).not.toThrow();
  });

  it('is not lost during a long activity', async () => {
    const seat = new Seat();
    seat.take('a');
    let finish: () => void = () => undefined;
    const work = seat.use('a', () => new Promise<void>((resolve) => (finish = resolve)));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(() => seat.take('b')).toThrow(SeatTakenError);
    finish();
    await work;
  });

  it('lets the worker ask for a run only while it is free, and only once at a time', async () => {
    const seat = new Seat();
    const slots = seat.slots();
    const permit = await slots.reserveSlot(context, never);
    const second = slots.reserveSlot(context, never);
    expect(await isSettled(second)).toBe(false);
    seat.take('a');
    slots.releaseSlot({ permit });
    expect(await isSettled(second)).toBe(false);
    seat.leave('a');
    expect(await isSettled(second)).toBe(true);
  });

  it('lets the running unit finish when it is closed, then sends the run away', async () => {
    const seat = new Seat();
    seat.take('a');
    let finish: (value: string) => void = () => undefined;
    const work = seat.use('a', () => new Promise<string>((resolve) => (finish = resolve)));
    const closed = seat.close(20_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await isSettled(closed)).toBe(false);
    finish('done');
    await expect(work).resolves.toBe('done');
    await expect(seat.use('a', () => Promise.resolve())).rejects.toThrow(/shutting down/);
    expect(await isSettled(closed)).toBe(true);
    expect(() => seat.take('b')).toThrow(SeatLostError);
  });

  it('stops a unit that takes longer than the grace period when it is closed', async () => {
    const seat = new Seat();
    seat.take('a');
    const work = seat.use('a', (evicted) => new Promise((_, reject) => evicted.addEventListener('abort', () => reject(new Error('stopped')))));
    const outcome = expect(work).rejects.toThrow(SeatLostError);
    const closed = seat.close(20_000);
    await vi.advanceTimersByTimeAsync(20_000);
    await outcome;
    expect(await isSettled(closed)).toBe(true);
  });
});
