/** Files of `torch.save` (torch 1.6 and later): finds where each tensor's bytes are. Nothing in them is run or unpacked. */
import { dtypeBytes, elementCount } from '../dtypes.js';
import { PytorchFileError } from '../errors.js';
import { readTensorBytes } from '../read-tensor.js';
import type { TensorInfo } from '../safetensors-header.js';
import { saveAgain, storedMembers, type Member } from './stored-members.js';
import { isCall, isGlobal, isPersistent, orderedDict, unpickle, type Value } from './unpickle.js';

/** dtypes by the names of their classes in `torch.storage`. */
const storageDtypes: ReadonlyMap<string, string> = new Map([
  ['torch.FloatStorage', 'F32'], ['torch.HalfStorage', 'F16'], ['torch.BFloat16Storage', 'BF16'], ['torch.DoubleStorage', 'F64'],
  ['torch.LongStorage', 'I64'], ['torch.IntStorage', 'I32'], ['torch.ShortStorage', 'I16'], ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'], ['torch.BoolStorage', 'BOOL'],
]);
const rebuildTensor = 'torch._utils._rebuild_tensor_v2';
const rebuildParameter = 'torch._utils._rebuild_parameter';
const globals: ReadonlySet<string> = new Set([orderedDict, rebuildTensor, rebuildParameter, ...storageDtypes.keys()]);

/** The pickle of a state dict contains only names and shapes: 200 kB for 70 billion weights. */
const maxPickleBytes = 100_000_000;

/**
 * Reads the tensors of a state dict that `torch.save` wrote, by name and in its order. Two tensors may share bytes (tied weights).
 *
 * @throws PytorchFileError for a file in another format, for a pickle that contains anything but tensors, and for tensors that
 *   are not contiguous or reach beyond their storage
 */
export async function readStateDict(path: string): Promise<Map<string, TensorInfo>> {
  const members = await storedMembers(path);
  const folder = archiveFolder(path, members);
  await checkByteOrder(path, members.get(`${folder}/byteorder`));
  const where = `${path}, member ${folder}/data.pkl`;
  const pickle = unpickle({ bytes: await pickleBytes(path, where, members.get(`${folder}/data.pkl`)), where, globals });
  if (!(pickle instanceof Map)) {
    throw new PytorchFileError({ what: 'the file does not hold a dictionary', where: path, expected: 'the state dict of a model', remedy: saveAgain });
  }
  const reader = new TensorReader(path, folder, members);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, value] of pickle) {
    if (typeof name !== 'string') throw new PytorchFileError({ what: 'a key of the state dict is not text', where: path, remedy: saveAgain });
    tensors.set(name, reader.tensor(name, value));
  }
  return tensors;
}

/** The top folder in the archive. torch names it after the file that it first wrote. */
function archiveFolder(path: string, members: ReadonlyMap<string, Member>): string {
  const pickles = [...members.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length === 1) return pickles[0].slice(0, -'/data.pkl'.length);
  throw new PytorchFileError({
    what: `the archive has ${pickles.length} members named FOLDER/data.pkl`, where: path, expected: 'exactly one, as torch.save writes it', remedy: saveAgain,
  });
}

async function checkByteOrder(path: string, member: Member | undefined): Promise<void> {
  if (member === undefined) return;
  const order = (await readTensorBytes({ file: path, begin: member.begin, end: Math.min(member.end, member.begin + 16) })).toString('latin1').trim();
  if (order !== 'little') throw new PytorchFileError({ what: `the byte order is ${JSON.stringify(order)}`, where: path, expected: 'little', remedy: saveAgain });
}

async function pickleBytes(path: string, where: string, member: Member | undefined): Promise<Buffer> {
  if (member === undefined) throw new PytorchFileError({ what: 'it is missing', where, remedy: saveAgain });
  const bytes = member.end - member.begin;
  if (bytes > maxPickleBytes) throw new PytorchFileError({ what: `the pickle has ${bytes} bytes`, where, expected: `at most ${maxPickleBytes} for a state dict`, remedy: saveAgain });
  return readTensorBytes({ file: path, ...member });
}

/** Checks each tensor's description in the pickle against the archive. */
class TensorReader {
  constructor(private readonly path: string, private readonly folder: string, private readonly members: ReadonlyMap<string, Member>) {}

  tensor(name: string, value: Value): TensorInfo {
    const where = `${this.path}, tensor ${name}`;
    const wrong = (what: string, expected?: string): PytorchFileError =>
      new PytorchFileError({ what, where, ...(expected !== undefined && { expected }), remedy: saveAgain });
    // A parameter wraps a tensor.
    const made = isCall(value) && value.call === rebuildParameter ? value.args[0] : value;
    if (!isCall(made) || made.call !== rebuildTensor) throw wrong('it is not a tensor', 'a state dict of tensors only');
    const [persistent, offset, shape, strides] = made.args;
    if (!isSizes(shape) || !isSizes(strides) || shape.length !== strides.length || !isSize(offset)) {
      throw wrong('its offset, shape or strides are not whole numbers of 0 or more');
    }
    if (!isContiguous(shape, strides)) {
      throw wrong(`its strides are [${strides.join(', ')}] for shape [${shape.join(', ')}]`, 'a contiguous tensor');
    }
    const { dtype, member, elements } = this.storage(persistent, wrong);
    const width = dtypeBytes(dtype) ?? 0;
    const count = elementCount(shape);
    if (offset + count > elements) throw wrong(`it ends at element ${offset + count}, but its storage has only ${elements} elements`);
    const begin = member.begin + offset * width;
    return { name, dtype, shape, file: this.path, begin, end: begin + count * width };
  }

  /** A storage is `('storage', type, key, device, elements)`; its bytes are the member `data/KEY`. */
  private storage(value: Value, wrong: (what: string) => PytorchFileError): { dtype: string; member: Member; elements: number } {
    const tuple = isPersistent(value) ? value.persistent : undefined;
    if (!Array.isArray(tuple) || tuple[0] !== 'storage') throw wrong('it has no storage');
    const [, type, key, , elements] = tuple;
    const dtype = isGlobal(type) ? storageDtypes.get(type.global) : undefined;
    if (dtype === undefined || typeof key !== 'string' || !isSize(elements)) throw wrong('its storage has no dtype, key or size');
    const member = this.members.get(`${this.folder}/data/${key}`);
    if (member === undefined) throw wrong(`the archive has no ${this.folder}/data/${key}`);
    const width = dtypeBytes(dtype) ?? 0;
    if (member.end - member.begin !== elements * width) {
      throw wrong(`${this.folder}/data/${key} has ${member.end - member.begin} bytes, but ${elements} elements in ${dtype} need ${elements * width}`);
    }
    return { dtype, member, elements };
  }
}

/** Whether a tensor is row-major without gaps. The stride of an axis of size 1, and all strides of an empty tensor, do not matter. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

const isSize = (value: Value | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSizes = (value: Value | undefined): value is number[] => Array.isArray(value) && value.every((size) => isSize(size));
