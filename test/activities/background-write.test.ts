import { describe, expect, it } from 'vitest';
import { BackgroundWrite } from '../../activities/background-write.js';

interface Told {
  what: string;
  message: string;
}

function newWriter(): { writer: BackgroundWrite; told: Told[] } {
  const told: Told[] = [];
  return { writer: new BackgroundWrite((what, { message }) => told.push({ what, message })), told };
}

/** A promise, and the function that resolves it. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => { open = resolve; });
  return { passed, open };
}

async function* pieces(before: () => Promise<void> = () => Promise.resolve()): AsyncGenerator<Uint8Array> {
  for (let piece = 0; piece < 3; piece++) {
    await before();
    yield new Uint8Array([piece]);
  }
}

const thing = { what: 'a thing', bytes: 3 };

describe('a background write', () => {
  it('runs until it is idle', async () => {
    const { writer, told } = newWriter();
    const { passed, open } = gate();
    const written: number[] = [];
    writer.begin('a', thing, async (wanted) => { for await (const [value] of wanted(pieces(() => passed))) written.push(value); });
    expect([writer.isBusy, written]).toEqual([true, []]);
    await writer.idle(['b']);
    expect(writer.isBusy).toBe(true);
    open();
    await writer.idle(['b', 'a']);
    expect([writer.isBusy, written, told]).toEqual([false, [0, 1, 2], []]);
  });

  it('reports a failure once, even after another attempt', async () => {
    const { writer, told } = newWriter();
    const fail = async (what: string): Promise<void> => {
      writer.begin('a', { ...thing, what }, () => Promise.reject(new Error('the disk is full')));
      await writer.idle();
    };
    await fail('one');
    await fail('one');
    await fail('two');
    expect(told).toEqual(['one', 'two'].map((what) => ({ what, message: 'the disk is full' })));
    // After a success, a failure is news again.
    writer.begin('a', thing, () => Promise.resolve());
    await writer.idle();
    await fail('two');
    expect(told.map(({ what }) => what)).toEqual(['one', 'two', 'two']);
    expect(writer.isBusy).toBe(false);
  });

  it('ends at the next piece when it is abandoned, without a report', async () => {
    const { writer, told } = newWriter();
    const { passed, open } = gate();
    const written: number[] = [];
    writer.begin('a', thing, async (wanted) => { for await (const [value] of wanted(pieces(() => (written.length === 0 ? Promise.resolve() : passed)))) written.push(value); });
    while (written.length === 0) await new Promise(setImmediate);
    await writer.abandon(['b']);
    expect(writer.isBusy).toBe(true);
    const abandoned = writer.abandon(['b', 'a']);
    open();
    await abandoned;
    expect([writer.isBusy, written, told]).toEqual([false, [0], []]);
  });
});
