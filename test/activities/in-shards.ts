/** Runs the initial masks and the rebuild of the demo model from shards of the calibration, activity by activity, without a server. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTask } from '../../activities/compute/tasks.js';
import { readLayerBits } from '../../activities/layer-files.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { chooseMask, gatherShard } from '../../activities/shards/initial-mask.js';
import { closeLayer } from '../../activities/shards/rebuild.js';
import type { ArtifactKey, RebuildResult, RunContext, TokensRef } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import type { CalibrationStage, InitialMaskStage, Pipeline, RebuildStage } from '../../app/config/pipeline.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { demoPipeline, temporaryState } from '../helpers/demo-run.js';

export const pipelineOf = (shards: number, more: string[] = []): Pipeline => demoPipeline(['calibration.samples=10', 'rebuild.strategy=published', `calibration.shards=${shards}`, ...more]);
export const stagesOf = (pipeline: Pipeline) => pipeline.stages as [CalibrationStage, InitialMaskStage, RebuildStage];

export const removed: (() => Promise<void>)[] = [];
/** For `afterAll`. */
export async function removeSites(): Promise<void> {
  for (const remove of removed.splice(0)) await remove();
}

export interface Site {
  state: string;
  /** One per worker. All share one store. */
  benches: Workbench[];
}
/** A new worker of a site. */
export const newBench = ({ state }: Pick<Site, 'state'>): Workbench => new Workbench(state, new ArtifactStore(join(state, 'artifacts')));

export async function siteOf(workers: number): Promise<Site> {
  const { state, remove } = await temporaryState();
  removed.push(remove);
  return { state, benches: Array.from({ length: workers }, () => newBench({ state })) };
}

export interface Made {
  context: RunContext;
  whole: TokensRef;
  shards: TokensRef[];
  initial: ArtifactKey[];
  rebuilt: RebuildResult[];
}

/** Runs all layers, with the shards distributed over the workers. @param between called before each step, and may disturb the workers */
export async function runInShards(pipeline: Pipeline, { benches }: Site, between: (layer: number) => void = () => undefined): Promise<Made> {
  const [calibration, stage, rebuild] = stagesOf(pipeline);
  const [first] = benches;
  const context = await prepareRun({ pipeline }, first);
  const { tokens: whole, shards = [] } = await sampleCalibration({ context, stage: calibration }, first);
  const each = overShards(shards, benches);
  const initial: ArtifactKey[] = [];
  for (let layer = 0; layer < context.model.layers; layer++) {
    between(layer);
    const masks = [...initial];
    await each((tokens, bench) => gatherShard({ context, stage, layer, path: { tokens, masks } }, bench));
    initial.push((await chooseMask({ context, stage, layer, path: { tokens: whole, masks }, shards }, benches[layer % benches.length])).mask);
  }
  const rebuilt = await rebuildInShards({ context, whole, shards, initial }, rebuild, { state: '', benches }, between);
  return { context, whole, shards, initial, rebuilt };
}

/** Calls work for each shard on its worker. Shards run in reverse order, because the order in which they finish must not matter. */
function overShards(shards: readonly TokensRef[], benches: readonly Workbench[]) {
  return async <T>(work: (tokens: TokensRef, bench: Workbench) => Promise<T>): Promise<T[]> => {
    const results: T[] = [];
    for (const index of [...shards.keys()].reverse()) results[index] = await work(shards[index], benches[index % benches.length]);
    return results;
  };
}

/** Rebuilds all layers, each activity as the compute process runs it. @param between called before each step, and may disturb the workers */
export async function rebuildInShards({ initial, ...made }: Omit<Made, 'rebuilt'>, stage: RebuildStage, { benches }: Site, between: (layer: number) => void = () => undefined): Promise<RebuildResult[]> {
  const rebuilt: RebuildResult[] = [];
  for (const [layer, start] of initial.entries()) {
    rebuilt.push(await rebuildLayerInShards({ ...made, start, masks: rebuilt.map(({ mask }) => mask) }, stage, benches, () => { between(layer); }));
  }
  return rebuilt;
}

type LayerToRebuild = Pick<Made, 'context' | 'whole' | 'shards'> & { start: ArtifactKey; masks: ArtifactKey[] };

/** Rebuilds the layer after the path's last one. */
export async function rebuildLayerInShards({ context, whole, shards, start, masks }: LayerToRebuild, stage: RebuildStage, benches: Workbench[], between: () => void = () => undefined): Promise<RebuildResult> {
  const each = overShards(shards, benches);
  const common = { context, stage, layer: masks.length, start };
  const all = { ...common, path: { tokens: whole, masks }, shards };
  const blocks: ArtifactKey[] = [];
  const states: ArtifactKey[][] = [[]];
  for (let left = 1; left > 0;) {
    between();
    const block = blocks.length;
    const state = states[block].at(-1);
    const step = { blocks: [...blocks], ...(state !== undefined && { state }) };
    await each((tokens, bench) => runTask('gatherSubBlock', { ...common, path: { tokens, masks }, ...step }, bench));
    const chosen = ownWork(await runTask('rebuildSubBlock', { ...all, ...step }, benches[block % benches.length]));
    if ('state' in chosen) {
      states[block].push(chosen.state);
      continue;
    }
    ({ left } = chosen);
    blocks.push(chosen.mask);
    states.push([]);
  }
  between();
  const finished = await each((tokens, bench) => runTask('finishShard', { ...common, path: { tokens, masks }, blocks }, bench));
  return closeLayer({ ...all, blocks, states, finished: { errors: finished.map((one) => ownWork(one).errors), seconds: 0 } }, benches[0]);
}

/** Returns the result of work that no other run has done before. */
export function ownWork<Result extends { made: boolean }>(result: Result): Extract<Result, { made: false }> {
  if (result.made) throw new Error('another run has made the layer');
  return result as Extract<Result, { made: false }>;
}

/** Returns the keys of all artifacts of a kind in a store. */
export function keysIn({ state }: Site, kind: string): string[] {
  try {
    return readdirSync(join(state, 'artifacts', kind)).flatMap((start) => readdirSync(join(state, 'artifacts', kind, start)));
  } catch {
    return [];
  }
}

/** Returns all masks in their stored form. */
export async function bitsOf({ context, initial, rebuilt }: Pick<Made, 'context' | 'initial' | 'rebuilt'>, bench: Workbench): Promise<string[]> {
  const { model } = await bench.model(context.model);
  const bits: string[] = [];
  for (const masks of [initial, rebuilt.map(({ mask }) => mask)]) {
    for (const [layer, key] of masks.entries()) {
      for (const [name, packed] of await readLayerBits(bench.store, key, model.decoderLayer(layer))) bits.push(`${name} ${Buffer.from(packed).toString('base64')}`);
    }
  }
  return bits;
}

/** Returns the share of bits in which two lists of masks differ. */
export function difference(one: readonly string[], other: readonly string[]): number {
  const bytes = (texts: readonly string[]): Buffer => Buffer.concat(texts.map((text) => Buffer.from(text.split(' ')[1], 'base64')));
  const [a, b] = [bytes(one), bytes(other)];
  let differing = 0;
  for (let i = 0; i < a.length; i++) for (let x = a[i] ^ b[i]; x > 0; x &= x - 1) differing++;
  return differing / (8 * a.length);
}
