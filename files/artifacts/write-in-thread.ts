import { Worker } from 'node:worker_threads';
import { programPath } from '#setup/paths.mjs';
import type { Written } from './durable-file.js';

/** Message from the thread: it can take another piece, the file is on disk, or writing failed. */
export type FromThread = { kind: 'more' } | { kind: 'written'; written: Written } | { kind: 'failed'; message: string; code?: string; path?: string };

/** Message to the thread: a piece, the end of the file, or a request to give up. */
export type ToThread = { kind: 'piece'; piece: Uint8Array } | { kind: 'end' } | { kind: 'abandon' };

/**
 * Writes a file like `writeFileDurably`, but hashes, writes and syncs in a thread of its own. At most two chunks are in memory: a chunk is
 * requested only when the chunk before the previous one is on disk.
 *
 * @param chunks their memory moves to the thread and must not be used elsewhere
 * @throws the system's error, or that of `chunks`; nothing is left of the file
 */
export async function writeFileInThread(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Written> {
  const thread = new Worker(programPath('write-thread'), { workerData: path, execArgv: [] });
  const tell = (message: ToThread): void => {
    thread.postMessage(message, message.kind === 'piece' ? [message.piece.buffer as ArrayBuffer] : []);
  };
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  const answers = new Answers(thread);
  try {
    for await (const piece of chunks) {
      const answer = await answers.next();
      if (answer.kind !== 'more') return resultOf(answer, path);
      if (piece.byteLength > 0) tell({ kind: 'piece', piece: wholeBuffer(piece) });
    }
    tell({ kind: 'end' });
    for (;;) {
      const answer = await answers.next();
      if (answer.kind !== 'more') return resultOf(answer, path);
    }
  } catch (error) {
    tell({ kind: 'abandon' });
    throw error;
  } finally {
    await ended;
  }
}

/** The messages of a thread, in order. */
class Answers {
  private readonly heard: FromThread[] = [];
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(thread: Worker) {
    thread.on('message', (answer: FromThread) => {
      this.heard.push(answer);
      this.wake();
    });
    const fail = (error: Error): void => {
      this.failure ??= error;
      this.wake();
    };
    thread.on('error', fail);
    thread.on('exit', (code) => { fail(new Error(`the thread that writes ended with exit code ${code}`)); });
  }

  async next(): Promise<FromThread> {
    for (;;) {
      const answer = this.heard.shift();
      if (answer !== undefined) return answer;
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => { this.wake = resolve; });
    }
  }
}

function resultOf(answer: Exclude<FromThread, { kind: 'more' }>, path: string): Written {
  if (answer.kind === 'written') return answer.written;
  const { message, code, path: at = path } = answer;
  throw Object.assign(new Error(message), code === undefined ? {} : { code, path: at });
}

/** Copies a view of a larger buffer, because moving the buffer would take it away from other views. */
function wholeBuffer(piece: Uint8Array): Uint8Array {
  return piece.byteLength === piece.buffer.byteLength ? piece : piece.slice();
}
