/** A thread that writes one file: receives its pieces, hashes, writes and syncs them (write-in-thread.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { writeFileDurably } from './durable-file.js';
import type { FromThread, ToThread } from './write-in-thread.js';

/** Pieces requested in advance: one is written while the next one arrives. */
const ahead = 2;

const heard: ToThread[] = [];
let wake: () => void = () => undefined;

const say = (message: FromThread): void => parentPort?.postMessage(message);

parentPort?.on('message', (message: ToThread) => {
  heard.push(message);
  wake();
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let asked = 0; asked < ahead; asked++) say({ kind: 'more' });
  for (;;) {
    const message = heard.shift();
    if (message === undefined) await new Promise<void>((resolve) => { wake = resolve; });
    else if (message.kind === 'end') return;
    else if (message.kind === 'abandon') throw new Error('it is not wanted any more');
    else {
      yield message.piece;
      say({ kind: 'more' });
    }
  }
}

try {
  say({ kind: 'written', written: await writeFileDurably(workerData as string, pieces()) });
} catch (error) {
  const { message, code, path } = error as NodeJS.ErrnoException;
  say({ kind: 'failed', message, ...(code !== undefined && { code }), ...(path !== undefined && { path }) });
}
parentPort?.close();
