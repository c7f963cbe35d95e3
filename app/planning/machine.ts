import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { writeFileDurably } from '../../files/artifacts/index.js';
import { candidates, threadCount, type Backend, type EngineRequest } from '../../science/engine/choice.js';
import type { Precision } from '../../science/engine/precision.js';
import type { Engine } from '../../science/engine/index.js';
import type { Work } from '../../science/cost/work.js';

/** How fast a machine is with an engine. */
export interface Speeds {
  /** Floating-point operations a second of large matrix products. */
  flops: number;
  /** Bytes a second that element-wise operations of the engine read and write. */
  bandwidth: number;
  /** Seconds of one call of the engine on next to nothing. */
  callSeconds: number;
  /** Weights a second that the host ranks. */
  rankedWeights: number;
  /** Floating-point operations a second of the host in float64. */
  hostFlops: number;
  /** Floating-point operations a second of the engine in float64. */
  doubleFlops: number;
  /** The same of what SparseGPT does within its blocks, wherever that is. */
  blockFlops: number;
  /** Seconds that it takes for each column besides: 0 on the host. */
  columnSeconds: number;
  /** Bytes a second; what was read lay in the system's cache. */
  read: number;
  /** Bytes a second, hashed and synced. */
  write: number;
  /** Seconds until a file of next to nothing is on disk. */
  fileSeconds: number;
}

/** A measured machine. */
export interface Machine {
  /** `measured` with its time, or `assumed`. */
  origin: string;
  /** What else it did while it was measured, in words; absent if it was quiet. */
  busy?: string;
  /** Measured twice with about the same result: where runs disagree, the speeds are not to blame. */
  confirmed?: boolean;
  engine: Engine;
  speeds: Speeds;
  /** Bytes of a process that has opened the engine and computed nothing. */
  baseline: number;
}

/** What a machine is known by; another one has to be measured again. */
export interface MachineIdentity {
  /** Of the way in which speeds are measured. Raise it when that changes, so that former ones are not used. */
  version: number;
  processor: string;
  threads: number;
  memory: number;
  node: string;
  backend: Backend;
  /** Absent for float32. */
  precision?: Precision;
}

/** What the processor calls itself. */
export function processorName(): string {
  return cpus()[0]?.model ?? 'unknown';
}

/** This machine with one of its engines. */
function identityOf(backend: Backend, precision: Precision = 'float32'): MachineIdentity {
  const threads = threadCount({ backend });
  return { version: 3, processor: processorName(), threads, memory: totalmem(), node: process.versions.node, backend, ...(precision !== 'float32' && { precision }) };
}

/** Where a state folder keeps what planning has measured. */
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
    // Missing or damaged: the machine is measured again.
    return [];
  }
}

const same = (a: MachineIdentity, b: MachineIdentity): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What was measured of this machine before with an engine that the request allows, the fastest first. @throws EngineChoiceInvalid */
export async function knownMachine(state: string, request: EngineRequest): Promise<Machine | undefined> {
  const known = await entries(state);
  for (const backend of candidates(request)) {
    const found = known.find((entry) => same(entry.identity, identityOf(backend, request.precision)));
    if (found !== undefined) return found.machine;
  }
  return undefined;
}

/** Keeps what was measured for later plans. */
export async function keepMachine(state: string, machine: Machine): Promise<void> {
  const identity = identityOf(machine.engine.backend, machine.engine.precision);
  const others = (await entries(state)).filter((entry) => !same(entry.identity, identity));
  await writeFileDurably(planningPaths.machines(state), [Buffer.from(`${JSON.stringify([...others, { identity, machine }], null, 1)}\n`)]);
}

/** What a plain machine with two cores does; good for memory and disk, and for nothing but the order of magnitude of seconds. */
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

/** Seconds that an amount of work takes, its parts one after the other. */
export function secondsOf(work: Work, { speeds }: Machine): number {
  return (
    work.flops / speeds.flops + work.movedBytes / speeds.bandwidth + work.calls * speeds.callSeconds + work.rankedWeights / speeds.rankedWeights +
    work.hostFlops / speeds.hostFlops + work.doubleFlops / speeds.doubleFlops + work.blockFlops / speeds.blockFlops + work.columns * speeds.columnSeconds + work.readBytes / speeds.read + work.writtenBytes / speeds.write + work.files * speeds.fileSeconds
  );
}

const isTime = (name: keyof Speeds): boolean => name === 'callSeconds' || name === 'fileSeconds' || name === 'columnSeconds';

/** The better of two measurements, speed by speed: other work on a machine only ever makes it slower. */
export function bestSpeeds(a: Speeds, b: Speeds): Speeds {
  return Object.fromEntries((Object.keys(a) as (keyof Speeds)[]).map((name) => [name, isTime(name) ? Math.min(a[name], b[name]) : Math.max(a[name], b[name])])) as unknown as Speeds;
}
