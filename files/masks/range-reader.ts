import { open, type FileHandle } from 'node:fs/promises';
import { TruncatedFileError } from '../checkpoints/index.js';

/** Bytes read at a time. A multiple of 8 elements of any dtype, so that pieces begin at whole bytes of a mask. */
const pieceBytes = 1 << 24;

/** Reads byte ranges of files. Opens each file once; call `close` at the end. */
export class RangeReader {
  private readonly handles = new Map<string, Promise<FileHandle>>();

  /** @throws TruncatedFileError if the file ends first */
  async read(file: string, begin: number, end: number): Promise<Buffer> {
    const handle = await this.handle(file);
    const target = Buffer.allocUnsafeSlow(end - begin);
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await handle.read(target, done, target.length - done, begin + done);
      if (bytesRead === 0) {
        throw new TruncatedFileError({
          what: `the file ends at byte ${begin + done}`, where: file, expected: `${end - begin - done} more bytes`,
          remedy: 'It changed since its header was read: get it again',
        });
      }
      done += bytesRead;
    }
    return target;
  }

  /** Yields a byte range in pieces. The next piece is read while the caller works on the current one. */
  async *pieces(file: string, begin: number, end: number): AsyncGenerator<Buffer> {
    const readAt = (at: number): Promise<Buffer> => {
      const piece = this.read(file, at, Math.min(at + pieceBytes, end));
      // The caller gets the error when it awaits the piece. If it never does, this avoids an unhandled rejection.
      piece.catch(() => undefined);
      return piece;
    };
    if (begin >= end) return;
    let next = readAt(begin);
    for (let at = begin; at < end; at += pieceBytes) {
      const piece = await next;
      if (at + pieceBytes < end) next = readAt(at + pieceBytes);
      yield piece;
    }
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.handles.values())) {
      if (opened.status === 'fulfilled') await opened.value.close();
    }
  }

  private handle(file: string): Promise<FileHandle> {
    const handle = this.handles.get(file) ?? open(file, 'r');
    this.handles.set(file, handle);
    return handle;
  }
}
