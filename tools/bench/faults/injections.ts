import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from './test-cluster.js';
import { pick, type Random } from './random.js';
import { signalAll, type WorkerProcess } from './worker-process.js';

/** The environment in which a fault is injected. */
export interface Scene {
  plant: TestCluster;
  random: Random;
  /** Returns the worker that has the run, as far as the server knows. */
  owner: () => Promise<WorkerProcess>;
  /** Duration of a lost connection in seconds. */
  outage: number;
}

/** Injects a fault, and repairs what a supervisor would. @returns what it destroyed, as `kind/key`; undefined if there was nothing to damage */
type Injection = (scene: Scene) => Promise<string[] | undefined>;

/** Longer than the heartbeat timeout. */
const pastHeartbeatMs = 12_500;
const diskMs = 3_000;
/** Long enough that the outage is noticed. */
const serverMs = 2_000;
const dayMs = 24 * 3600 * 1000;

async function killAndReplace({ plant }: Scene, pids: readonly number[]): Promise<string[] | undefined> {
  signalAll(pids, 'SIGKILL');
  await sleep(200);
  plant.startMissingWorkers();
  return pids.length === 0 ? undefined : [];
}

async function freeze(pids: readonly number[], milliseconds: number): Promise<string[] | undefined> {
  signalAll(pids, 'SIGSTOP');
  await sleep(milliseconds);
  signalAll(pids, 'SIGCONT');
  return pids.length === 0 ? undefined : [];
}

/** Lists the artifacts that are in the store now. */
function artifacts(store: string): { name: string; folder: string }[] {
  const kinds = ['mask', 'tokens', 'scores', 'hidden', 'perplexity'].filter((kind) => existsSync(join(store, kind)));
  const inside = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
  return kinds.flatMap((kind) =>
    inside(join(store, kind)).flatMap((part) => inside(join(store, kind, part)).map((key) => ({ name: `${kind}/${key}`, folder: join(store, kind, part, key) }))),
  );
}

/** Damages an artifact chosen at random. If the store drops it at the same moment, tries another one. */
function damage(how: (folder: string, random: Random) => void): Injection {
  return ({ plant, random }) => {
    for (let tries = 0; tries < 20; tries++) {
      const all = artifacts(plant.store);
      if (all.length === 0) break;
      const { name, folder } = pick(random, all);
      try {
        how(folder, random);
        return Promise.resolve([name]);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return Promise.resolve(undefined);
  };
}

/** Returns a random file of an artifact, possibly its manifest. */
function anyFile(folder: string, random: Random): string {
  return join(folder, pick(random, readdirSync(folder)));
}

export const injections = {
  'SIGKILL of the worker': async (scene) => killAndReplace(scene, [(await scene.owner()).pid]),
  'SIGKILL of the compute process': async (scene) => killAndReplace(scene, (await scene.owner()).computePids()),
  'SIGKILL of the server': async ({ plant }) => {
    signalAll(await plant.server.pids(), 'SIGKILL');
    await sleep(serverMs);
    await plant.server.restart();
    return [];
  },
  'SIGKILL of everything at once': async (scene) => {
    const { plant } = scene;
    const pids = [...(await plant.server.pids()), ...plant.workers.flatMap((worker) => [worker.pid, ...worker.computePids()])];
    signalAll(pids, 'SIGKILL');
    await plant.server.restart();
    return killAndReplace(scene, pids);
  },
  'SIGTERM of the worker': async (scene) => {
    const worker = await scene.owner();
    worker.signal('SIGTERM');
    await worker.ended;
    scene.plant.startMissingWorkers();
    return [];
  },
  'SIGSTOP of the compute process, 2 s': async ({ owner }) => freeze((await owner()).computePids(), 2_000),
  'SIGSTOP of all workers past the heartbeat': ({ plant }) => freeze(plant.workers.flatMap((worker) => [worker.pid, ...worker.computePids()]), pastHeartbeatMs),
  'two owners: one worker stopped past the heartbeat, continues': async ({ owner, random }) => {
    const worker = await owner();
    // In half of the cases the compute process continues, and may finish what the next owner has begun.
    const compute = random() < 0.5 ? worker.computePids() : [];
    return freeze([worker.pid, ...compute], pastHeartbeatMs);
  },
  'full disk, 3 s': async ({ plant: { disk } }) => {
    if (disk === undefined) return undefined;
    disk.fill();
    await sleep(diskMs);
    disk.empty();
    return [];
  },
  'read-only disk, 3 s': async ({ plant: { disk } }) => {
    if (disk === undefined) return undefined;
    await disk.setReadOnly(true);
    await sleep(diskMs);
    await disk.setReadOnly(false);
    return [];
  },
  'torn write: artifact cut in half': damage((folder, random) => {
    const file = anyFile(folder, random);
    truncateSync(file, Math.floor(statSync(file).size / 2));
  }),
  'flipped byte in an artifact': damage((folder, random) => {
    // Not in the manifest, unless it is the only file: a changed duration in it does no harm.
    const file = join(folder, pick(random, readdirSync(folder).filter((name) => name !== 'manifest.json').concat('manifest.json').slice(0, 1)));
    const bytes = readFileSync(file);
    bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
    writeFileSync(file, bytes, { flag: 'r+' });
  }),
  'artifact deleted': damage((folder) => {
    rmSync(folder, { recursive: true });
  }),
  'connection to the server lost': async ({ plant: { link }, outage }) => {
    link.cut();
    await sleep(outage * 1000);
    link.join();
    return [];
  },
  'clock jumps by days': async ({ plant, random }) => {
    plant.shiftClock(Math.round((random() < 0.5 ? -1 : 1) * (1 + 400 * random()) * dayMs));
    await sleep(100);
    return [];
  },
} satisfies Record<string, Injection>;

export type FaultKind = keyof typeof injections;
export const faultKinds = Object.keys(injections) as FaultKind[];
