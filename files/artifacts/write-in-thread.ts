import { Worker } from 'node:worker_threads';
import { programPath } from '#setup/places.mjs';
import type { Written } from './durable-file.js';

/** From the thread: it takes another piece, the file is on disk, or it could not be written. */
export type FromThread = { kind: 'more' } | { kind: 'written'; written: Written } | { kind: 'failed'; message: string; code?: string; path?: string };

/** To the thread: a piece, the end of the file, or that the file is not wanted any more. */
export type ToThread = { kind: 'piece'; piece: Uint8Array } | { kind: 'end' } | { kind: 'abandon' };

/**
 * Writes a file as `writeFileDurably` does, in a thread of its own, which hashes and syncs. A chunk is asked for only when the one but last is on disk,
 * so that two of them at most are in memory.
 *
 * @param chunks their memory moves to the thread and must not be used elsewhere
 * @throws the system's error, or that of `chunks`; nothing of the file is left then
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

/** What a thread says, in order. */
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

/** A view's buffer is copied: other views of it would lose it. */
function wholeBuffer(piece: Uint8Array): Uint8Array {
  return piece.byteLength === piece.buffer.byteLength ? piece : piece.slice();
}
