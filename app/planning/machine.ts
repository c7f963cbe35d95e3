import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { writeFileDurably } from '../../files/artifacts/index.js';
import { candidates, threadCount, type Backend, type EngineRequest } from '../../science/engine/choice.js';
import type { Precision } from '../../science/engine/precision.js';
import type { Engine } from '../../science/engine/index.js';
import type { Work } from '../../science/cost/work.js';

/** Speeds of a machine with an engine. */
export interface Speeds {
  /** Floating-point operations per second in large matrix products. */
  flops: number;
  /** Bytes per second that element-wise operations of the engine read and write. */
  bandwidth: number;
  /** Seconds for one call of the engine on almost nothing. */
  callSeconds: number;
  /** Weights per second that the host ranks. */
  rankedWeights: number;
  /** Floating-point operations per second of the host in float64. */
  hostFlops: number;
  /** Floating-point operations per second of the engine in float64. */
  doubleFlops: number;
  /** Floating-point operations per second of SparseGPT within its blocks, on the host or the GPU. */
  blockFlops: number;
  /** Additional seconds of SparseGPT for each column: 0 on the host. */
  columnSeconds: number;
  /** Bytes per second, read from the system's cache. */
  read: number;
  /** Bytes per second, hashed and synced. */
  write: number;
  /** Seconds until a file with almost no content is on disk. */
  fileSeconds: number;
}

/** A measured machine. */
export interface Machine {
  /** `measured` with its time, or `assumed`. */
  origin: string;
  /** In words, what else the machine did during the measurement; absent if it was quiet. */
  busy?: string;
  /** Measured twice with about the same result. If runs disagree, the speeds are not the reason. */
  confirmed?: boolean;
  engine: Engine;
  speeds: Speeds;
  /** Bytes of a process that has opened the engine but computed nothing. */
  baseline: number;
}

/** What identifies a machine. If any of it changes, the machine is measured again. */
export interface MachineIdentity {
  /** Version of the way in which speeds are measured. Raise it when that changes, so that earlier ones are not used. */
  version: number;
  processor: string;
  threads: number;
  memory: number;
  node: string;
  backend: Backend;
  /** Absent for float32. */
  precision?: Precision;
}

/** The processor's own name. */
export function processorName(): string {
  return cpus()[0]?.model ?? 'unknown';
}

/** The identity of this machine with one of its engines. */
function identityOf(backend: Backend, precision: Precision = 'float32'): MachineIdentity {
  const threads = threadCount({ backend });
  return { version: 3, processor: processorName(), threads, memory: totalmem(), node: process.versions.node, backend, ...(precision !== 'float32' && { precision }) };
}

/** Paths in a state folder where planning keeps its measurements. */
export const planningPaths = {
  machines: (state: string): string => join(state, 'planning', 'machines.json'),
  measurements: (state: string): string => join(state, 'planning', 'measurements.jsonl'),
};

interface Entry {
  identity: MachineIdentity;
  machine: Machine;
}

async function entries(state: string): Promise<Entry[]> {
  try {
    return JSON.parse(await readFile(planningPaths.machines(state), 'utf8')) as Entry[];
  } catch {
    // The file is missing or damaged, so the machine is measured again.
    return [];
  }
}

const same = (a: MachineIdentity, b: MachineIdentity): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Returns an earlier measurement of this machine with an engine that the request allows; the fastest engine comes first. @throws
 * EngineChoiceInvalid
 */
export async function knownMachine(state: string, request: EngineRequest): Promise<Machine | undefined> {
  const known = await entries(state);
  for (const backend of candidates(request)) {
    const found = known.find((entry) => same(entry.identity, identityOf(backend, request.precision)));
    if (found !== undefined) return found.machine;
  }
  return undefined;
}

/** Keeps a measurement for later plans. */
export async function keepMachine(state: string, machine: Machine): Promise<void> {
  const identity = identityOf(machine.engine.backend, machine.engine.precision);
  const others = (await entries(state)).filter((entry) => !same(entry.identity, identity));
  await writeFileDurably(planningPaths.machines(state), [Buffer.from(`${JSON.stringify([...others, { identity, machine }], null, 1)}\n`)]);
}

/**
 * Returns the speeds of a plain machine with two cores. They are good enough for memory and disk, but give only the order of magnitude of
 * seconds.
 */
export function assumedMachine(engine: Engine): Machine {
  const native = engine.backend === 'tensorflow';
  return {
    origin: 'assumed',
    engine,
    baseline: (native ? 400 : 200) * 2 ** 20,
    speeds: {
      flops: native ? 200e9 : 40e9, bandwidth: native ? 8e9 : 2e9, callSeconds: 30e-6, rankedWeights: 50e6, hostFlops: 1e9, doubleFlops: native ? 30e9 : 1e9, blockFlops: 1e9, columnSeconds: 0, read: 1e9, write: 300e6, fileSeconds: 0.005,
    },
  };
}

/** Seconds for an amount of work, with its parts one after the other. */
export function secondsOf(work: Work, { speeds }: Machine): number {
  return (
    work.flops / speeds.flops + work.movedBytes / speeds.bandwidth + work.calls * speeds.callSeconds + work.rankedWeights / speeds.rankedWeights +
    work.hostFlops / speeds.hostFlops + work.doubleFlops / speeds.doubleFlops + work.blockFlops / speeds.blockFlops + work.columns * speeds.columnSeconds + work.readBytes / speeds.read + work.writtenBytes / speeds.write + work.files * speeds.fileSeconds
  );
}

const isTime = (name: keyof Speeds): boolean => name === 'callSeconds' || name === 'fileSeconds' || name === 'columnSeconds';

/** The better of two measurements for each speed: other work on a machine can only slow it down. */
export function bestSpeeds(a: Speeds, b: Speeds): Speeds {
  return Object.fromEntries((Object.keys(a) as (keyof Speeds)[]).map((name) => [name, isTime(name) ? Math.min(a[name], b[name]) : Math.max(a[name], b[name])])) as unknown as Speeds;
}
