/**
 * Reads the pickle of a state dict, and nothing else. A pickle is a program for a stack machine that may call any Python function.
 * This machine knows only the opcodes that torch.save writes and the names in `globals`; it refuses all others with an error
 * that names them. Nothing is called, imported or evaluated.
 */
import { PytorchFileError } from '../errors.js';
import { saveAgain } from './stored-members.js';

/** A name that the pickle may use. */
export interface Global {
  readonly global: string;
}

/** A call of a global. The reader of the value must check the arguments. */
export interface Call {
  readonly call: string;
  readonly args: readonly Value[];
}

/** A reference to something outside the pickle; in torch files, a storage. */
export interface Persistent {
  readonly persistent: Value;
}

export type Value = null | boolean | number | string | Value[] | Map<Value, Value> | Global | Call | Persistent;

export interface UnpickleRequest {
  bytes: Buffer;
  /** The place of the pickle, for messages. */
  where: string;
  /** The allowed names, as `module.name`. */
  globals: ReadonlySet<string>;
}

/**
 * Maximum number of opcodes. A tensor takes about 40, so this is enough for 100,000 tensors. It bounds the memory that a malicious
 * pickle can use, because each opcode makes at most one value.
 */
const maxSteps = 4_000_000;

/** Marks the beginning of a list of arguments on the stack. */
const mark = Symbol('mark');

/**
 * Returns the value of a pickle of protocol 2 to 5. References may form loops, so callers must not follow values without a limit.
 * Time and memory are bounded by {@link maxSteps}.
 *
 * @throws PytorchFileError for an opcode or a global that a state dict does not need, and for a pickle that is damaged
 */
export function unpickle(request: UnpickleRequest): Value {
  return new Machine(request).run();
}

class Machine {
  private at = 0;
  private readonly stack: (Value | typeof mark)[] = [];
  private readonly memo = new Map<number, Value>();

  constructor(private readonly request: UnpickleRequest) {}

  run(): Value {
    for (let count = 0; count < maxSteps; count++) {
      const begin = this.at;
      const code = this.byte();
      if (code === stop) return this.pop();
      const step = steps[code] as ((machine: Machine) => void) | undefined;
      if (step === undefined) {
        throw this.fault(`opcode 0x${code.toString(16).padStart(2, '0')} at byte ${begin} of the pickle is not one that a state dict needs`);
      }
      step(this);
    }
    throw this.fault(`the pickle has more than ${maxSteps} opcodes`);
  }

  byte(): number {
    return this.take(1)[0];
  }

  /** Reads the next bytes of the pickle. Checks the length before anything is allocated. */
  take(count: number): Buffer {
    const { bytes } = this.request;
    if (count > bytes.length - this.at) throw this.fault(`the pickle ends at byte ${bytes.length}, but ${count} bytes must follow byte ${this.at}`);
    this.at += count;
    return bytes.subarray(this.at - count, this.at);
  }

  line(): string {
    const end = this.request.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.fault(`a name at byte ${this.at} of the pickle does not end`);
    const text = this.take(end - this.at).toString('utf8');
    this.at++;
    return text;
  }

  push(value: Value | typeof mark): void {
    this.stack.push(value);
  }

  pop(): Value {
    const value = this.stack.pop();
    if (value === undefined || value === mark) throw this.fault(`a value is missing at byte ${this.at} of the pickle`);
    return value;
  }

  /** Removes the values above the last mark, and the mark, from the stack. */
  popMarked(): Value[] {
    const begin = this.stack.lastIndexOf(mark);
    if (begin < 0) throw this.fault(`a mark is missing at byte ${this.at} of the pickle`);
    const values = this.stack.splice(begin).slice(1);
    return values as Value[];
  }

  /** Returns the top of the stack without removing it. */
  top(): Value {
    const value = this.pop();
    this.push(value);
    return value;
  }

  topList(): Value[] {
    const value = this.top();
    if (!Array.isArray(value)) throw this.fault(`byte ${this.at} of the pickle appends to a value that is not a list`);
    return value;
  }

  topMap(): Map<Value, Value> {
    const value = this.top();
    if (!(value instanceof Map)) throw this.fault(`byte ${this.at} of the pickle sets an item of a value that is not a dictionary`);
    return value;
  }

  setItems(pairs: readonly Value[]): void {
    if (pairs.length % 2 !== 0) throw this.fault(`a key at byte ${this.at} of the pickle has no value`);
    const map = this.topMap();
    for (let i = 0; i < pairs.length; i += 2) map.set(pairs[i], pairs[i + 1]);
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.memo.size);
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.fault(`byte ${this.at} of the pickle reads value ${index}, which has not been stored`);
    this.push(value);
  }

  pushGlobal(module: string, name: string): void {
    const global = `${module}.${name}`;
    if (!this.request.globals.has(global)) {
      throw this.fault(`the pickle imports ${JSON.stringify(global.slice(0, 200))}, which a state dict does not need; no code from it was executed`);
    }
    this.push({ global });
  }

  /** Creates a dictionary immediately, so that items can be set in it. Every other call is only recorded. */
  reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!Array.isArray(args) || !isGlobal(callee)) throw this.fault(`byte ${this.at} of the pickle calls a value that is not a function`);
    this.push(callee.global === orderedDict && args.length === 0 ? new Map() : { call: callee.global, args });
  }

  /** Ignores the attributes of a state dict (`_metadata`): they are versions of modules, which tensors do not need. */
  build(): void {
    this.pop();
    this.topMap();
  }

  /** Reads an integer of `count` bytes, little-endian, two's complement. */
  integer(count: number): void {
    const bytes = this.take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    const signed = BigInt.asIntN(8 * count, value);
    if (signed > BigInt(Number.MAX_SAFE_INTEGER) || signed < BigInt(Number.MIN_SAFE_INTEGER)) {
      throw this.fault(`a number at byte ${this.at - count} of the pickle has ${count} bytes`);
    }
    this.push(Number(signed));
  }

  fault(what: string): PytorchFileError {
    return new PytorchFileError({ what, where: this.request.where, expected: 'a state dict of tensors', remedy: saveAgain });
  }
}

/** The class of a state dict in torch. */
export const orderedDict = 'collections.OrderedDict';

export const isGlobal = (value: Value): value is Global => typeof value === 'object' && value !== null && 'global' in value;
export const isCall = (value: Value): value is Call => typeof value === 'object' && value !== null && 'call' in value;
export const isPersistent = (value: Value): value is Persistent => typeof value === 'object' && value !== null && 'persistent' in value;

/** Maximum bytes of an integer: 8 bytes are enough for every size. */
const longestInteger = 8;

const stop = 0x2e;
const tuple = (count: number) => (machine: Machine): void => {
  const values = Array.from({ length: count }, () => machine.pop()).reverse();
  machine.push(values);
};

/** The opcodes that a state dict needs, with their names in Python's pickletools. Tuples become arrays. */
const steps: Readonly<Record<number, (machine: Machine) => void>> = {
  0x80: (machine) => { // PROTO
    const protocol = machine.byte();
    if (protocol < 2 || protocol > 5) throw machine.fault(`the pickle has protocol ${protocol}`);
  },
  0x95: (machine) => { machine.take(8); }, // FRAME
  0x28: (machine) => { machine.push(mark); }, // MARK
  0x7d: (machine) => { machine.push(new Map()); }, // EMPTY_DICT
  0x5d: (machine) => { machine.push([]); }, // EMPTY_LIST
  0x29: (machine) => { machine.push([]); }, // EMPTY_TUPLE
  0x74: (machine) => { machine.push(machine.popMarked()); }, // TUPLE
  0x85: tuple(1), // TUPLE1
  0x86: tuple(2), // TUPLE2
  0x87: tuple(3), // TUPLE3
  0x61: (machine) => { // APPEND
    const value = machine.pop();
    machine.topList().push(value);
  },
  0x65: (machine) => { // APPENDS
    const values = machine.popMarked();
    const list = machine.topList();
    for (const value of values) list.push(value);
  },
  0x73: (machine) => { // SETITEM
    const value = machine.pop();
    const key = machine.pop();
    machine.setItems([key, value]);
  },
  0x75: (machine) => { machine.setItems(machine.popMarked()); }, // SETITEMS
  0x71: (machine) => { machine.remember(machine.byte()); }, // BINPUT
  0x72: (machine) => { machine.remember(machine.take(4).readUInt32LE()); }, // LONG_BINPUT
  0x94: (machine) => { machine.memoize(); }, // MEMOIZE
  0x68: (machine) => { machine.recall(machine.byte()); }, // BINGET
  0x6a: (machine) => { machine.recall(machine.take(4).readUInt32LE()); }, // LONG_BINGET
  0x4e: (machine) => { machine.push(null); }, // NONE
  0x88: (machine) => { machine.push(true); }, // NEWTRUE
  0x89: (machine) => { machine.push(false); }, // NEWFALSE
  0x4b: (machine) => { machine.push(machine.byte()); }, // BININT1
  0x4d: (machine) => { machine.push(machine.take(2).readUInt16LE()); }, // BININT2
  0x4a: (machine) => { machine.push(machine.take(4).readInt32LE()); }, // BININT
  0x8a: (machine) => { // LONG1
    const count = machine.byte();
    if (count > longestInteger) throw machine.fault(`the pickle has a number of ${count} bytes`);
    machine.integer(count);
  },
  0x47: (machine) => { machine.push(machine.take(8).readDoubleBE()); }, // BINFLOAT
  0x58: (machine) => { machine.push(machine.take(machine.take(4).readUInt32LE()).toString('utf8')); }, // BINUNICODE
  0x8c: (machine) => { machine.push(machine.take(machine.byte()).toString('utf8')); }, // SHORT_BINUNICODE
  0x63: (machine) => { // GLOBAL
    const module = machine.line();
    machine.pushGlobal(module, machine.line());
  },
  0x93: (machine) => { // STACK_GLOBAL
    const name = machine.pop();
    const module = machine.pop();
    if (typeof module !== 'string' || typeof name !== 'string') throw machine.fault('the pickle imports a name that is not text');
    machine.pushGlobal(module, name);
  },
  0x51: (machine) => { machine.push({ persistent: machine.pop() }); }, // BINPERSID
  0x52: (machine) => { machine.reduce(); }, // REDUCE
  0x62: (machine) => { machine.build(); }, // BUILD
};
