import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advanceCost, assumedMachine, deviceMachine, devices, makePlan, readModel, secondsOf, type Machine, type Plan } from '../../../app/planning/index.js';
import { noWork } from '../../../science/cost/index.js';
import { pipelineOf } from './pipelines.js';
import { cpuEngine, llama7b, llama7bConfig } from './llama7b.js';

const machine = assumedMachine(cpuEngine);
const { size } = llama7b();
const plan = (overrides: string[] = [], on: Machine = machine): Plan => makePlan({ pipeline: pipelineOf(overrides), size, perBatch: 1, machine: on, measurements: [] });
const stage = (of: Plan, type: string): Plan['stages'][number] => of.stages.find((one) => one.type === type)!;

describe('a plan', () => {
  it('has the stages in order, with outputs and proof after the last mask', () => {
    const { stages } = plan();
    expect(stages.map(({ type }) => type)).toEqual(['calibration', 'initialMask', 'rebuild', 'outputs', 'proof', 'evaluation']);
    expect(stage(plan(), 'initialMask').units).toBe(32);
  });

  it('adds up what is stored on disk', () => {
    const tokens = 4 * 128 * 2048;
    const masks = 809_500_672;
    const stream = 4_294_967_296;
    const outputs = 13_476_831_232 + masks;
    const { stages, total } = plan();
    expect(stages.map(({ disk }) => disk.kept)).toEqual([tokens, masks, masks, outputs, 0, 4 * 64 * 2048]);
    // The previous stream stays on disk until the next one is complete.
    expect(stage(plan(), 'rebuild').disk.peak).toBe(tokens + 2 * masks + 2 * stream);
    const kept = stages.reduce((sum, { disk }) => sum + disk.kept, 0);
    // 64 windows are scored, and two of their streams are on disk at a time.
    expect(total.disk).toBe(kept + stream);
  });

  it('stores hidden states only if a crash would cost more than the run allows', () => {
    const of = (maxLoss: number, more: string[] = []): Plan['stages'][number] => stage(plan([`durability.maxLoss=${maxLoss}`, ...more]), 'rebuild');
    const forward = secondsOf(advanceCost(size, { samples: 128, time: 2048, perBatch: 1 }).work, machine);
    const never = of(31 * forward + 1);
    expect(never.hiddenWrites).toEqual({ count: 0, bytes: 0, seconds: 0, held: 0, peak: 0 });
    // Every fifth of 31 states. Two paths share the seconds.
    expect(of(5.5 * forward).hiddenWrites).toMatchObject({ count: 6, bytes: 6 * 4_294_967_296 });
    expect(of(11 * forward, ['rebuild.strategy=best', 'rebuild.effort=10']).hiddenWrites).toMatchObject({ count: 12, peak: 4 * 4_294_967_296 });
    expect(of(0).hiddenWrites.count).toBe(31);
    // Writing only takes time if all of it must be waited for.
    expect(of(5.5 * forward).seconds).toBe(never.seconds);
    expect(of(0).seconds).toBeCloseTo(never.seconds + (31 * 4_294_967_296) / machine.speeds.write, 6);
  });

  it('models products, selection and the bus of a GPU by their peaks, and takes disk and host from this machine', () => {
    const gpu = deviceMachine(devices.h100, machine);
    const { rebuild, read, flops, ranked } = {
      rebuild: stage(plan([], gpu), 'rebuild'),
      read: secondsOf({ ...noWork, readBytes: 1e9 }, gpu),
      flops: secondsOf({ ...noWork, flops: 46.9e12 }, gpu),
      ranked: secondsOf({ ...noWork, rankedWeights: 317_194_240 }, gpu),
    };
    expect(flops).toBeCloseTo(1, 10);
    expect(read).toBeCloseTo(1 / (machine.speeds.read / 1e9) + 1 / 44.8, 6);
    // A layer of 13B: 31 bisection steps, three times, 14 bytes each.
    expect(ranked).toBeCloseTo((317_194_240 * 1302) / (0.7 * 3.35e12), 6);
    expect(secondsOf({ ...noWork, writtenBytes: 1e9, files: 10, hostFlops: 1e9 }, gpu)).toBe(secondsOf({ ...noWork, writtenBytes: 1e9, files: 10, hostFlops: 1e9 }, machine));
    expect(rebuild.seconds).toBeLessThan(stage(plan(), 'rebuild').seconds / 20);
    // TensorFlow's tensors are on the GPU, not on the host.
    expect(rebuild.tensors).toBeGreaterThan(4_294_967_296);
    expect(rebuild.host).toBeLessThan(stage(plan(), 'rebuild').host - 4_294_967_296);
  });

  it('includes the updated weights of SparseGPT', () => {
    const more = stage(plan(['initialMask.method=sparsegpt']), 'initialMask').disk.kept - stage(plan(['initialMask.method=wanda']), 'initialMask').disk.kept;
    expect(more).toBe(4 * 6_476_005_376);
  });

  it('includes what an allocation runs, and the hidden states stored meanwhile', () => {
    const stream = 4_294_967_296;
    const none = stage(plan(), 'initialMask');
    const by = (method: string): Plan['stages'][number] => stage(plan([`initialMask.allocation.method=${method}`]), 'initialMask');
    expect(by('ramp')).toEqual(none);
    expect(by('dlp').units).toBe(none.units + 32);
    expect(by('dlp').disk).toEqual({ kept: none.disk.kept, peak: none.disk.peak + 2 * stream });
    expect(by('owl')).toEqual(by('dlp'));
    expect(by('sensitivity').units).toBe(none.units + 64);
    expect(by('sensitivity').disk).toEqual({ kept: none.disk.kept, peak: none.disk.peak + 34 * stream });
    expect(by('dlp').seconds).toBeGreaterThan(none.seconds);
    expect(by('sensitivity').seconds).toBeGreaterThan(by('dlp').seconds);
  });

  it('separates tensors from host memory if there is a GPU', () => {
    const onGpu = plan([], assumedMachine({ ...cpuEngine, device: 'gpu: a card' }));
    const { host, tensors } = stage(plan(), 'rebuild');
    expect(stage(onGpu, 'rebuild')).toMatchObject({ tensors, host: host - tensors });
  });

  it('needs twice the time for products on a machine with half the speed', () => {
    const seconds = (flops: number): number => stage(plan([], { ...machine, speeds: { ...machine.speeds, flops } }), 'rebuild').seconds;
    const products = 32 * 4.33 * 128 * 2048 * (2 * 202_375_168 + 4 * 1152 * 4096);
    expect(seconds(100e9) - seconds(200e9)).toBeCloseTo(products / 200e9, 3);
  });
});

describe('a model folder', () => {
  let folder = '';
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'plan-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('needs only its config.json', async () => {
    await writeFile(join(folder, 'config.json'), JSON.stringify(llama7bConfig));
    expect(await readModel(folder)).toMatchObject({ weights: false, size: { parameters: 6_738_415_616, fileBytes: 13_476_831_232 } });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...llama7bConfig, torch_dtype: undefined }));
    expect((await readModel(folder)).size.fileBytes).toBe(2 * 13_476_831_232);
  });

  it('is refused with the place if that file is missing', async () => {
    await expect(readModel(folder)).rejects.toThrow(`${join(folder, 'config.json')}: the file cannot be read`);
  });

  it('counts shards on one worker: as much memory for the hidden states, the sums beside them, and what goes through the store', () => {
    const published = ['initialMask.method=wanda', 'rebuild.strategy=published'];
    const [whole, divided] = [plan(published), plan([...published, 'calibration.shards=4'])];
    const [mask, rebuild] = ['initialMask', 'rebuild'].map((type) => stage(divided, type));
    // A layer of LLaMA-7B: 6 linears with 4,096 inputs, one with 11,008; 202,375,168 weights; masks with one bit per weight.
    const [norms, gradients, bits] = [8 * (6 * 4096 + 11_008), 4 * 202_375_168, 202_375_168 / 8];
    expect(mask.shards).toEqual({ count: 4, bytesPerLayer: 2 * 4 * norms + 5 * bits });
    expect(rebuild.shards).toEqual({ count: 4, bytesPerLayer: 2 * 4 * gradients + 3 * 5 * bits });
    expect(stage(whole, 'rebuild').shards).toBeUndefined();
    // One unit per shard and one that adds them; in a rebuild for both sub-blocks, plus one per shard for the errors. The embedding is one unit.
    expect(mask.units).toBe(1 + 32 * (4 + 1));
    expect(rebuild.units).toBe(1 + 32 * (2 * (4 + 1) + 4));
    const stream = 4_294_967_296;
    for (const type of ['initialMask', 'rebuild']) {
      const [one, four] = [stage(whole, type), stage(divided, type)];
      expect(four.seconds / one.seconds).toBeGreaterThan(1);
      expect(four.seconds / one.seconds).toBeLessThan(1.6);
      // Only one shard's outputs and intermediate data are in memory at a time.
      expect(four.tensors).toBeLessThan(one.tensors);
      expect(four.tensors).toBeGreaterThan(stream);
    }
  });

  it('counts the steps of a guarded rebuild in shards, and the states between them', () => {
    const guarded = ['initialMask.method=wanda', 'rebuild.strategy=guarded', 'rebuild.weights=keep-updates'];
    const [whole, divided] = [plan(guarded), plan([...guarded, 'calibration.shards=4'])].map((of) => stage(of, 'rebuild'));
    const [gradients, bits] = [4 * 202_375_168, 202_375_168 / 8];
    // Five rounds. Their sums are written and read once per shard. The current masks go through 11 steps, and each round adds four candidates.
    expect(divided.units).toBe(1 + 32 * (2 * 11 * (4 + 1) + 4));
    expect(divided.shards?.bytesPerLayer).toBe(2 * 4 * 5 * gradients + 5 * bits * (3 + 11 + 5 * 4));
    expect(divided.seconds / whole.seconds).toBeGreaterThan(1);
    expect(divided.seconds / whole.seconds).toBeLessThan(2.5);
    // The other shards' inputs and dense outputs stay in memory, too.
    expect(divided.tensors).toBeGreaterThan(3 * 4_294_967_296);
    expect(divided.tensors).toBeLessThan(1.1 * whole.tensors);
  });
});
