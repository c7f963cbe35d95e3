/**
 * Measures the traffic between JavaScript and TensorFlow in this process: bytes each way, and where the time goes.
 *
 * The bytes are the same on a CPU and on a GPU. The seconds are not: on a CPU, an operation has finished when the call
 * returns. On a GPU, the call only starts it, and the wait happens when the result is read.
 */
import { performance } from 'node:perf_hooks';
import { countBuffer, freeDeadBuffers } from './dead-buffers.js';

export interface Traffic {
  /** Bytes from JavaScript to TensorFlow, and back. */
  up: number;
  down: number;
  /** Number of TensorFlow operations. */
  operations: number;
  seconds: {
    /** Matrix products, which run on a GPU's tensor cores. */
    products: number;
    /** All other operations. */
    elementwise: number;
    /** Transfers up and down, and freeing memory. */
    transfers: number;
    /** All other work of this thread. */
    javascript: number;
    /** Time in which this thread was idle: it waited for disks, other threads, or the network. */
    waiting: number;
  };
}

/** The part of the native binding that the ledger observes. */
interface Binding {
  createTensor: (shape: number[], dtype: number, values: ArrayBufferView) => number;
  tensorDataSync: (id: number) => ArrayBufferView;
  deleteTensor: (id: number) => void;
  executeOp: (name: string, ...rest: unknown[]) => unknown;
}

const counted = { up: 0, down: 0, operations: 0 };
const spent = { products: 0, elementwise: 0, transfers: 0 };

const products = /MatMul|Einsum|Cholesky|TriangularSolve/;

/**
 * Wraps a binding to count its calls. Costs two clock readings per call, about 0.1 microseconds.
 */
export function counting<B extends Binding>(binding: B): B {
  const timed = <T>(what: keyof typeof spent, work: () => T): T => {
    const started = performance.now();
    try {
      return work();
    } finally {
      spent[what] += (performance.now() - started) / 1000;
    }
  };
  const overrides: Binding = {
    createTensor: (shape, dtype, values) => {
      freeDeadBuffers();
      countBuffer(byteLength(values));
      counted.up += byteLength(values);
      return timed('transfers', () => binding.createTensor(shape, dtype, values));
    },
    tensorDataSync: (id) => {
      freeDeadBuffers();
      const values = timed('transfers', () => binding.tensorDataSync(id));
      counted.down += byteLength(values);
      countBuffer(byteLength(values));
      return values;
    },
    deleteTensor: (id) => {
      timed('transfers', () => { binding.deleteTensor(id); });
    },
    executeOp: (name, ...rest) => {
      counted.operations++;
      return timed(products.test(name) ? 'products' : 'elementwise', () => binding.executeOp(name, ...rest));
    },
  };
  // The binding's own properties are read-only, so an assignment would throw.
  return Object.create(binding, Object.getOwnPropertyDescriptors(overrides)) as B;
}

/** Strings are passed as arrays of byte arrays, which are not counted. */
function byteLength(values: Partial<ArrayBufferView>): number {
  return values.byteLength ?? 0;
}

/** Starts counting. The returned function gives the traffic since then. On the `wasm` backend, all but `javascript` and `waiting` is 0. */
export function startLedger(): () => Traffic {
  const began = performance.now();
  const loop = performance.eventLoopUtilization();
  const [before, spentBefore] = [{ ...counted }, { ...spent }];
  return () => {
    const inTensorFlow = difference(spent, spentBefore);
    const total = (performance.now() - began) / 1000;
    const idle = performance.eventLoopUtilization(loop).idle / 1000;
    const called = inTensorFlow.products + inTensorFlow.elementwise + inTensorFlow.transfers;
    return {
      ...difference(counted, before),
      seconds: { ...inTensorFlow, javascript: Math.max(0, total - idle - called), waiting: idle },
    };
  };
}

function difference<K extends string>(now: Record<K, number>, before: Record<K, number>): Record<K, number> {
  return Object.fromEntries(Object.entries<number>(now).map(([key, value]) => [key, value - before[key as K]])) as Record<K, number>;
}
