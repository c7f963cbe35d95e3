/** `compare` on folders that runs have left: finding runs, the table, JSON, and the page. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeLock } from '../../../activities/lock/index.js';
import { compareText } from '../../../app/cli/compare/text.js';
import type { Lock } from '../../../app/config/index.js';
import { compareView } from '../../../app/report/view/compare-view.js';
import { exampleCompared } from '../report/example-compared.js';
import { exampleResult } from '../report/example-result.js';
import { linearShapes, random, writeMask } from '../../files/masks/made-checkpoint.js';
import { runCommand } from './run-command.js';

describe('compare', () => {
  let state: string;
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'compare-'));
    await makeRun('demo-0123456789abcdef', 1, 'wanda');
    await makeRun('other-0123456789abcdef', 2, 'magnitude');
  });
  afterEach(() => rm(state, { recursive: true }));

  const masksOf = (seed: number): Record<string, Uint8Array> => {
    const next = random(seed);
    return Object.fromEntries(Object.entries(linearShapes).map(([name, [out, inputs]]) => [name, Uint8Array.from({ length: out * inputs }, () => Number(next() < 0.5))]));
  };

  async function makeRun(id: string, seed: number, method: string): Promise<void> {
    const folder = join(state, 'runs', id);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'result.json'), JSON.stringify({ ...exampleResult, name: id.slice(0, -17), seconds: { ...exampleResult.seconds, total: 80 * seed }, mask: join(folder, 'mask.safetensors') }));
    await writeMask(join(folder, 'mask.safetensors'), masksOf(seed));
    const lock: Lock = {
      version: 2, package: '0.1.0', numerics: {}, pipelineDigest: 'a'.repeat(64), pipeline: { version: 1, name: id, model: { source: './m' }, stages: [{ initialMask: { method } }] }, model: { digest: 'b'.repeat(64) }, files: {},
      engine: { backend: 'wasm', version: '1', device: 'cpu', kernels: 'simd', threads: 1 }, sequencesPerBatch: 4, outputs: { perplexity: {} },
    };
    await writeLock(join(folder, 'pipeline.lock.yaml'), lock);
  }

  const compare = (...words: string[]) => runCommand(['compare', ...words, '--state', state]);

  it('prints numbers, settings, errors and masks in 80 columns', async () => {
    const { code, stdout, stderr } = await compare('demo', 'other');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/rebuilt per.*out\.txt +6\.32 +6\.32 +same/);
    expect(stdout).toMatch(/time, all stages +1 min 20 s +2 min 40 s +\+1 min 20 s \(\+100 %\)/);
    expect(stdout).toMatch(/initialMask\.method +wanda +magnitude\n/);
    expect(stdout).toMatch(/layer 0 +0\.015 +0\.015/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('prints every number, and the Jaccard index of every linear, as JSON', async () => {
    const { stdout } = await compare('demo', 'other', '--json');
    const found = JSON.parse(stdout) as ReturnType<typeof compareView>;
    const [a, b] = [masksOf(1), masksOf(2)];
    const alike = (name: string): number => {
      const both = a[name].reduce((sum, kept, index) => sum + (kept & b[name][index]), 0);
      return both / a[name].reduce((sum, kept, index) => sum + (kept | b[name][index]), 0);
    };
    expect(found.masks).toMatchObject([{ label: 'B', kinds: ['q_proj', 'up_proj'], cells: [0, 1].map((layer) => ['self_attn.q_proj', 'mlp.up_proj'].map((linear) => expect.closeTo(alike(`model.layers.${layer}.${linear}.weight`), 12) as number)) }]);
    expect(found.settings).toEqual([{ path: 'initialMask.method', values: ['wanda', 'magnitude'] }]);
    expect(found.numbers.find(({ name }) => name === 'time, all stages')).toMatchObject({ values: [80, 160], differences: [null, 80] });
    expect(found.runs).toMatchObject([{ label: 'A', folder: join(state, 'runs', 'demo-0123456789abcdef') }, { label: 'B' }]);
  });

  it('writes a page with links to the pages of the runs', async () => {
    const page = join(state, 'compared.html');
    expect((await compare('demo', 'other', '--html', page)).stdout).toContain(page);
    const html = await readFile(page, 'utf8');
    expect(html).toContain('<a href="runs/demo-0123456789abcdef/report.html">');
    expect(html).toContain('initialMask.method');
  });

  it('does not overwrite a file that is not a page', async () => {
    const precious = join(state, 'pipeline.yaml');
    await writeFile(precious, 'precious');
    const { code, stderr } = await compare('demo', 'other', '--html', precious);
    expect(code).toBe(2);
    expect(stderr).toContain('a name that ends with .html');
    expect(await readFile(precious, 'utf8')).toBe('precious');
  });

  it.each([
    ['an id', () => 'demo-0123456789abcdef'],
    ['a name', () => 'demo'],
    ['a folder', () => join(state, 'runs', 'demo-0123456789abcdef')],
    ['its report', () => join(state, 'runs', 'demo-0123456789abcdef', 'result.json')],
    ['its checkpoint', () => join(state, 'runs', 'demo-0123456789abcdef', 'checkpoint')],
    ['its lock', () => join(state, 'runs', 'demo-0123456789abcdef', 'pipeline.lock.yaml')],
  ])('finds a run by %s', async (_, word) => {
    await mkdir(join(state, 'runs', 'demo-0123456789abcdef', 'checkpoint'), { recursive: true });
    const { code, stdout } = await compare(word(), 'other');
    expect(code).toBe(0);
    expect(stdout).toContain('A  demo-0123456789abcdef');
  });

  it('finds a run by its pipeline file, using the values in that file', async () => {
    const file = join(state, 'p.yaml');
    await mkdir(join(state, 'm'));
    await writeFile(join(state, 'm', 'config.json'), '{}');
    await writeFile(join(state, 't.txt'), 'text');
    await writeFile(file, 'version: 1\nname: p\nmodel: { source: ./m }\nstages:\n  - calibration: { dataset: { file: ./t.txt } }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n');
    const { code, stderr } = await compare(file, 'other');
    expect(code).toBe(2);
    const id = /runs\/(p-[0-9a-f]{16})/.exec(stderr)?.[1] ?? '';
    await rename(join(state, 'runs', 'demo-0123456789abcdef'), join(state, 'runs', id));
    expect((await compare(file, 'other')).stdout).toContain(`A  ${id}`);
  });

  it('matches neither a member of a sweep nor a run with a longer name', async () => {
    await makeRun('demo-two-0123456789abcdef', 3, 'wanda');
    await makeRun('demo-0123456789abcdef.sparsity=0.5', 4, 'wanda');
    expect((await compare('demo', 'demo-0123456789abcdef.sparsity=0.5')).stdout).toMatch(/A {2}demo-0123456789abcdef\n {2}B {2}demo-0123456789abcdef\.sparsity=0\.5\n/);
  });

  it('reports several runs of one name, an unknown run, and a single run', async () => {
    await makeRun('demo-fedcba9876543210', 3, 'wanda');
    const alike = await compare('demo', 'other');
    expect(alike).toMatchObject({ code: 2, stderr: expect.stringContaining('2 runs are called demo: demo-0123456789abcdef, demo-fedcba9876543210') as string });
    expect(await compare('nobody', 'other')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no run nobody') as string });
    expect(await compare('other')).toMatchObject({ code: 2, stderr: expect.stringContaining('two or more') as string });
    expect(existsSync(join(state, 'temporal'))).toBe(false);
  });

  it('compares the rest if a mask is missing or of another model, or if there is no lock', async () => {
    const folder = join(state, 'runs', 'other-0123456789abcdef');
    await rm(join(folder, 'pipeline.lock.yaml'));
    await writeMask(join(folder, 'mask.safetensors'), { 'model.layers.0.mlp.fc1.weight': new Uint8Array(8) }, {}, { 'model.layers.0.mlp.fc1.weight': [2, 4] });
    const { code, stdout } = await compare('demo', 'other');
    expect(code).toBe(0);
    expect(stdout).toContain('The mask of B is not compared: it is for another model');
    expect(stdout).toContain('The settings of B are not known');
    await rm(join(folder, 'mask.safetensors'));
    expect((await compare('demo', 'other')).stdout).toContain('its mask file is gone');
  });

  it('reports a folder and a file that are not a run', async () => {
    expect(await compare(state, 'other')).toMatchObject({ code: 2, stderr: expect.stringContaining('is not a finished run') as string });
    await writeFile(join(state, 'runs', 'other-0123456789abcdef', 'result.json'), '{"name": "x"}');
    expect(await compare('demo', 'other')).toMatchObject({ code: 2 });
    await writeFile(join(state, 'runs', 'other-0123456789abcdef', 'result.json'), '{"na');
    expect(await compare('demo', 'other')).toMatchObject({ code: 2, stderr: expect.stringContaining('the file cannot be read') as string });
  });
});

it('has at most 80 columns and no control characters for any names and values', () => {
  const word = fc.string({ maxLength: 90, unit: fc.constantFrom('a', '/', '-', '\u001b', '\n', 'é', '%') });
  fc.assert(fc.property(word, word, fc.integer({ min: 2, max: 9 }), (name, value, count) => {
    const [a, b] = exampleCompared;
    const runs = Array.from({ length: count }, (_, index) => ({
      ...(index === 0 ? a : b), label: String.fromCharCode(65 + index), id: name,
      result: { ...a.result, name, perplexity: { rebuilt: { [name]: 123456.789 * (index + 1) } } }, settings: new Map([[`s.${name}`, { text: `${value}${index}`, key: String(index) }]]),
    }));
    const text = compareText(compareView(runs));
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
     
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  }), { numRuns: 60 });
});
