import type { Capacity } from './capacity.js';
import { checkPrecision, type Precision } from '../../science/engine/precision.js';
import type { Machine } from './machine.js';

/** What a GPU's maker publishes of it. */
export interface DevicePeaks {
  /** As its maker calls it. */
  name: string;
  /** Floating-point operations a second of products: in float32 without tensor cores, and in TF32 of dense matrices with them. */
  float32: number;
  tf32: number;
  /** The same in float64 without tensor cores. */
  float64: number;
  /** Bytes a second of its memory. */
  bandwidth: number;
  /** Bytes of its memory. */
  memory: number;
  /** Its compute capability. */
  capability: string;
  /** Bytes a second between it and the host, one way. */
  bus: number;
}

const GB = 1e9;
const TB = 1e12;

/** From the makers' data sheets. */
export const devices = {
  a100: { name: 'NVIDIA A100 80GB', capability: '8.0', float32: 19.5e12, tf32: 156e12, float64: 9.7e12, bandwidth: 2.039 * TB, memory: 80 * GB, bus: 32 * GB },
  h100: { name: 'NVIDIA H100 SXM', capability: '9.0', float32: 67e12, tf32: 494.7e12, float64: 33.5e12, bandwidth: 3.35 * TB, memory: 80 * GB, bus: 64 * GB },
  h200: { name: 'NVIDIA H200 SXM', capability: '9.0', float32: 67e12, tf32: 494.7e12, float64: 33.5e12, bandwidth: 4.8 * TB, memory: 141 * GB, bus: 64 * GB },
  l40s: { name: 'NVIDIA L40S', capability: '8.9', float32: 91.6e12, tf32: 183e12, float64: 1.43e12, bandwidth: 0.864 * TB, memory: 48 * GB, bus: 32 * GB },
} satisfies Record<string, DevicePeaks>;

export type DeviceName = keyof typeof devices;

/** Share of the published peaks that large products and long element-wise operations are taken to reach. */
const reached = 0.7;
/** Seconds until a GPU has begun an operation, besides those that the host takes for the call. */
const launch = 5e-6;
/**
 * Bytes that selection moves for each weight that it ranks: 31 steps of bisection for the pivot, for what grows and for what
 * goes (science/methods/parts/device-selection.ts), each a comparison, a cast and a sum: 14 bytes.
 */
const rankedBytes = 3 * 31 * 14;

/** Bytes that SparseGPT moves for each floating-point operation within a block: a multiply-add reads two numbers and writes two (its product, and the sum). */
export const blockBytes = 8;
/** Calls of the engine for each column that SparseGPT goes through on a GPU (science/methods/initial/sparsegpt/device-blocks.ts). */
export const columnCalls = 10;

/**
 * A machine with a GPU that is not here: its speeds are modelled from published peaks; those of the host are this machine's.
 * Nothing of it is measured.
 * @throws EngineUnavailable if the device has no products of that precision
 */
export function deviceMachine(device: DevicePeaks, { busy: _, ...host }: Machine, precision: Precision = 'float32'): Machine {
  checkPrecision(precision, { onGpu: true, kernels: `compute capability ${device.capability}` });
  const bandwidth = reached * device.bandwidth;
  return {
    ...host,
    origin: `modelled from the published peaks of ${device.name}, ${100 * reached} % of them`,
    engine: { ...host.engine, backend: 'tensorflow', device: `gpu: ${device.name}`, ...(precision === 'tf32' && { precision }) },
    speeds: {
      ...host.speeds,
      flops: reached * (precision === 'tf32' ? device.tf32 : device.float32),
      bandwidth,
      callSeconds: host.speeds.callSeconds + launch,
      rankedWeights: bandwidth / rankedBytes,
      doubleFlops: reached * device.float64,
      blockFlops: bandwidth / blockBytes,
      columnSeconds: columnCalls * (host.speeds.callSeconds + launch),
      read: 1 / (1 / host.speeds.read + 1 / (reached * device.bus)),
    },
  };
}

/** What is free there: this machine's memory and disk, and all of the GPU's memory. */
export function deviceCapacity({ memory }: DevicePeaks, here: Capacity): Capacity {
  return { ...here, tensors: { of: 'GPU memory', bytes: memory } };
}
