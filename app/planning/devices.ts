import type { Capacity } from './capacity.js';
import { checkPrecision, type Precision } from '../../science/engine/precision.js';
import type { Machine } from './machine.js';

/** The figures that a GPU's maker publishes. */
export interface DevicePeaks {
  /** The maker's name for it. */
  name: string;
  /**
   * Floating-point operations per second of matrix products: in float32 without tensor cores, and in TF32 with them, for dense matrices.
   */
  float32: number;
  tf32: number;
  /** The same in float64 without tensor cores. */
  float64: number;
  /** Memory bandwidth in bytes per second. */
  bandwidth: number;
  /** Memory in bytes. */
  memory: number;
  /** Compute capability. */
  capability: string;
  /** Bytes per second between the GPU and the host, one way. */
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

/** Share of the published peaks that large products and long element-wise operations are assumed to reach. */
const reached = 0.7;
/** Seconds until a GPU has started an operation, besides the host's time for the call. */
const launch = 5e-6;
/**
 * Bytes that selection moves for each weight that it ranks: 31 steps of bisection each for the pivot, for growth and for pruning
 * (science/methods/parts/device-selection.ts). Each step is a comparison, a cast and a sum: 14 bytes.
 */
const rankedBytes = 3 * 31 * 14;

/**
 * Bytes that SparseGPT moves for each floating-point operation within a block. A multiply-add reads two numbers and writes two (its
 * product, and the sum).
 */
export const blockBytes = 8;
/** Calls of the engine for each column that SparseGPT processes on a GPU (science/methods/initial/sparsegpt/device-blocks.ts). */
export const columnCalls = 10;

/**
 * Models a machine with a GPU that is not here. The GPU's speeds follow from published peaks; those of the host are this machine's. Nothing
 * about the GPU is measured.
 * @throws EngineUnavailable if the device has no products of that precision
 */
export function deviceMachine(device: DevicePeaks, { busy: _, ...host }: Machine, precision: Precision = 'float32'): Machine {
  checkPrecision(precision, { onGpu: true, kernels: `compute capability ${device.capability}` });
  const bandwidth = reached * device.bandwidth;
  return {
    ...host,
    origin: `modelled as ${100 * reached} % of the published peaks of ${device.name}`,
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

/** What is free on the modelled machine: this machine's memory and disk, and all of the GPU's memory. */
export function deviceCapacity({ memory }: DevicePeaks, here: Capacity): Capacity {
  return { ...here, tensors: { of: 'GPU memory', bytes: memory } };
}
