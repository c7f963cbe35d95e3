/** Zip archives for tests, laid out as torch does, with any content. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export async function writeArchive(path: string, members: Readonly<Record<string, Buffer | string>>, { compress = false } = {}): Promise<string> {
  const archive = new ZipFile();
  for (const [name, content] of Object.entries(members)) archive.addBuffer(Buffer.from(content), name, { compress, mtime: new Date(0) });
  archive.end();
  await pipeline(archive.outputStream, createWriteStream(path));
  return path;
}

/** Opcodes of a pickle, named as in Python's pickletools. Text is latin-1, so it can hold any byte. */
export const pickle = {
  proto: '\x80\x02', mark: '(', emptyDict: '}', emptyTuple: ')', emptyList: ']', tuple: 't', reduce: 'R', build: 'b', stop: '.', setItem: 's', setItems: 'u', append: 'a',
  persistent: 'Q', none: 'N', no: '\x89',
  global: (module: string, name: string) => `c${module}\n${name}\n`,
  text: (value: string) => `X${length(value.length)}${value}`,
  int: (value: number) => `J${length(value)}`,
  put: (index: number) => `r${length(index)}`,
  get: (index: number) => `j${length(index)}`,
};

function length(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return bytes.toString('latin1');
}

/** A storage of `elements` numbers, in the archive member of that key. */
export const storage = (elements: number, key = '0', type = 'FloatStorage'): string =>
  pickle.mark + pickle.text('storage') + pickle.global('torch', type) + pickle.text(key) + pickle.text('cpu') + pickle.int(elements) + pickle.tuple + pickle.persistent;

const tupleOf = (values: readonly number[]): string => pickle.mark + values.map(pickle.int).join('') + pickle.tuple;

export const tensor = (of: string, { offset = 0, shape = [2], strides = [1] }: { offset?: number; shape?: number[]; strides?: number[] } = {}): string =>
  pickle.global('torch._utils', '_rebuild_tensor_v2') + pickle.mark + of + pickle.int(offset) + tupleOf(shape) + tupleOf(strides)
  + pickle.no + pickle.emptyDict + pickle.tuple + pickle.reduce;

/** A pickle of `{ name: value }`. */
export const stateDict = (value: string, name = 'w'): string => pickle.proto + pickle.emptyDict + pickle.text(name) + value + pickle.setItem + pickle.stop;
