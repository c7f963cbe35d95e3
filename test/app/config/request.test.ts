import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRequest, loadPipeline, parsePipeline, RequestError } from '../../../app/config/index.js';
import { digestOf } from '../../../files/artifacts/index.js';
import { failure, parse, pipelineText } from './helpers.js';

type Sent = Partial<Parameters<typeof checkRequest>[0]>;
type Loose = Record<string, unknown> & { stages: Record<string, unknown>[] };

const everything = `version: 1
name: everything
model: { source: /m }
gates: ["rebuilt perplexity of h.txt <= 1.05 * initial", { name: n, check: sparsity within 0.1 }]
stages:
  - calibration: { dataset: { name: c4 }, sampling: random, seed: 7 }
  - initialMask: { method: sparsegpt, sparsity: 0.5, damping: 0.02, allocation: { method: owl, spread: 0.1 } }
  - rebuild: { strategy: guarded, rounds: 3, tolerance: 0.02, budget: 4 }
  - rebuild: { ratio: 0.2, granularity: output }
  - evaluation:
      perplexity: [{ dataset: { file: /h.txt }, maxWindows: 3 }]
      zeroShot: [boolq, { task: piqa, file: /p.jsonl, limit: 3 }, { name: mine, file: /m.jsonl, bos: true }]
      limit: 9
`;
const patterns = `version: 1
name: patterns
model: { source: org/name, revision: main }
engine: { backend: wasm }
stages:
  - initialMask: { method: magnitude, pattern: "02:04" }
  - evaluation: { states: [initial], zeroShot: [rte] }
`;
const file = 'version: 1\nname: file\nmodel: { source: ~/m }\nstages:\n  - initialMask: { method: file, source: ../mask.safetensors }\n';

/** A pipeline as a worker receives it. */
const sent = (text = pipelineText()): Loose => JSON.parse(JSON.stringify(parse(text).pipeline)) as Loose;
const check = (request: Sent): void => {
  checkRequest({ pipeline: undefined, configDigest: undefined, folder: undefined, anew: undefined, lock: undefined, ...request });
};
function problems(request: Sent): { at: string; message: string }[] {
  try {
    check(request);
  } catch (error) {
    if (error instanceof RequestError) return [...error.problems];
    throw error;
  }
  return [];
}
const changed = (change: (pipeline: Loose) => unknown, text?: string): { at: string; message: string }[] => {
  const pipeline = sent(text);
  change(pipeline);
  return problems({ pipeline });
};

describe('accepts what the client sends', () => {
  it.each([['everything', everything], ['patterns', patterns], ['file', file], ['standard', pipelineText()]])('%s', (_, text) => {
    const { pipeline, digest } = parse(text);
    check({ pipeline: JSON.parse(JSON.stringify(pipeline)), configDigest: digest, folder: '/pipelines', anew: { from: 0, since: new Date().toISOString() } });
  });

  it.each(readdirSync('pipelines').filter((name) => name.endsWith('.yaml')))('pipelines/%s', (name) => {
    const { pipeline, digest } = loadPipeline(join('pipelines', name), [], { allowFloating: true });
    check({ pipeline, configDigest: digest });
  });
});

describe('refuses what no client sends', () => {
  const evaluation = (pipeline: Loose): Record<string, unknown> => pipeline.stages.at(-1) ?? {};

  it.each<[string, (pipeline: Loose) => unknown, string, RegExp]>([
    ['an unknown state', (p) => (evaluation(p)['states'] = ['dense', 'weird']), 'pipeline.stages[3].evaluation.states[1]', /^item 2 of `states` is "weird"; expected `dense`, `initial` or `rebuilt`/],
    ['a state that is a path', (p) => (evaluation(p)['states'] = ['../../x']), 'pipeline.stages[3].evaluation.states[0]', /is "\.\.\/\.\.\/x"/],
    ['an unknown stage', (p) => (p.stages[2]['type'] = 'shell'), 'pipeline.stages[2].shell', /^unknown key `shell` in item 3 of `stages`; expected `calibration`/],
    ['a stage by its key, as files have it', (p) => (p.stages[2] = { rebuild: {} }), 'pipeline.stages[2].type', /^the type of the stage is empty; expected one of `calibration`, .*temporal-pipeline start/],
    ['a number as text', (p) => (p.stages[1]['sparsity'] = '0.5'), 'pipeline.stages[1].initialMask.sparsity', /^`sparsity` is "0\.5"; expected a number above 0 and below 1/],
    ['a value that is not a number', (p) => (p.stages[1]['sparsity'] = NaN), 'pipeline.stages[1].initialMask.sparsity', /^`sparsity` is NaN; expected a number/],
    ['an infinite number', (p) => (p.stages[0]['samples'] = Infinity), 'pipeline.stages[0].calibration.samples', /^`samples` is Infinity/],
    ['no stages', (p) => delete (p as Partial<Loose>).stages, 'pipeline', /^`stages` is missing in the pipeline; expected a list/],
    ['stages that are not a list', (p) => (p['stages'] = 5 as never), 'pipeline.stages', /^`stages` is 5; expected a list of 1 to 100 items/],
    ['a stage that is null', (p) => (p.stages[0] = null as never), 'pipeline.stages[0]', /^item 1 of `stages` is empty/],
    ['a setting left out', (p) => delete p.stages[0]['samples'], 'pipeline.stages[0].samples', /^it is missing; expected 128\./],
    ['a source beside another method', (p) => (p.stages[1]['source'] = '/etc/passwd'), 'pipeline.stages[1].initialMask.source', /^`source` without `method: file`/],
    ['a relative path', (p) => ((p.stages[0]['dataset'] as Record<string, unknown>)['file'] = 'etc/passwd'), 'pipeline.stages[0].dataset.file', /^it is "etc\/passwd"; expected "\/etc\/passwd"/],
    ['a path with `..`', (p) => ((p.stages[0]['dataset'] as Record<string, unknown>)['file'] = '/data/../etc/passwd'), 'pipeline.stages[0].dataset.file', /expected "\/etc\/passwd"/],
    ['a path in a home folder', (p) => ((p.stages[0]['dataset'] as Record<string, unknown>)['file'] = '~/x'), 'pipeline.stages[0].dataset.file', /^it is "~\/x"/],
    ['a model that is a relative path', (p) => (p['model'] = { source: '../model' }), 'pipeline.model.source', /expected "\/model"/],
    ['a task that is a path', (p) => (evaluation(p)['zeroShot'] = [{ task: '../../x', bos: false }]), 'pipeline.stages[3].evaluation.zeroShot[0].task', /is "\.\.\/\.\.\/x"; expected `boolq`/],
    ['a pipeline name that is a path', (p) => (p['name'] = '../x'), 'pipeline.name', /^`name` is "\.\.\/x"; expected letters/],
    ['an extra key', (p) => (p['extra'] = 1), 'pipeline.extra', /^unknown key `extra` in the pipeline/],
    ['a rebuild before its mask', (p) => p.stages.splice(1, 1), 'pipeline.stages[1].rebuild', /^`rebuild` before any `initialMask`/],
    ['gates that differ from their text', (p) => (p['gates'] = [{ check: 'sparsity <= 0.5', quantity: { kind: 'sparsity' }, comparison: '<=', bound: { value: 0.9 } }]), 'pipeline.gates[0].bound.value', /^it is 0\.9; expected 0\.5/],
  ])('%s', (_, change, at, message) => {
    const found = changed(change);
    expect(found.map((one) => one.at)).toContain(at);
    expect(found.find((one) => one.at === at)?.message).toMatch(message);
  });

  it('with the message of the command line', () => {
    const text = pipelineText().replace('sparsity: 0.5', 'sparsity: 5');
    const message = failure(text).problems[0]?.message;
    expect(changed((pipeline) => (pipeline.stages[1]['sparsity'] = 5)).map((one) => one.message)).toEqual([message]);
    expect(() => check({ pipeline: { ...sent(), version: 2 } })).toThrow(/^pipeline\.version: `version` is 2; expected `1`/);
  });

  it.each<[string, unknown]>([['nothing', undefined], ['null', null], ['text', 'x'], ['a number', 5], ['a list', []], ['an empty object', {}]])('%s instead of a pipeline', (_, pipeline) => {
    expect(() => check({ pipeline })).toThrow(RequestError);
  });

  it('keys of prototypes, without changing a prototype', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString']) {
      for (const place of [[], ['stages', '0'], ['stages', '0', 'dataset'], ['model']]) {
        const pipeline = sent();
        const holder = place.reduce<Record<string, unknown>>((inner, step) => inner[step] as Record<string, unknown>, pipeline);
        Object.defineProperty(holder, key, { value: { harmed: true }, enumerable: true });
        expect(problems({ pipeline }).length, `${key} in ${place.join('.')}`).toBeGreaterThan(0);
      }
    }
    expect({}).not.toHaveProperty('harmed');
  });

  it('a very long list, deep nesting and long texts, with a short message', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as unknown;
    const huge: [unknown, RegExp][] = [
      [{ ...sent(), stages: new Array(1_000_000).fill({ type: 'rebuild' }) }, /^pipeline: more than 10000 values/],
      [{ ...sent(), stages: new Array(2_000).fill('x') }, /and 1\d\d\d more|expected a list of 1 to 100 items/],
      [{ ...sent(), model: deep }, /^pipeline: nested deeper than 32 levels/],
      [{ ...sent(), ['x'.repeat(100_000)]: 1 }, /unknown key `x+\.\.\.`/],
      [{ ...sent(), gates: [{ check: 'y'.repeat(4_000) }] }, /gates\[0\]/],
      [{ ...sent(), model: { source: `/${'a/'.repeat(50_000)}` } }, /^pipeline: a text of 100001 characters; expected at most 4096/],
    ];
    for (const [pipeline, message] of huge) {
      const attempt = (): void => { check({ pipeline }); };
      expect(attempt).toThrow(RequestError);
      expect(attempt).toThrow(message);
      try {
        attempt();
      } catch (error) {
        expect((error as Error).message.length).toBeLessThan(20_000);
      }
    }
  });

  it('any other value at any place', () => {
    const places = (value: unknown, at: string[] = []): string[][] =>
      typeof value === 'object' && value !== null ? [at, ...Object.entries(value).flatMap(([key, item]) => places(item, [...at, key]))] : [at];
    fc.assert(
      fc.property(fc.constantFrom(everything, patterns, file), fc.nat(), fc.jsonValue({ maxDepth: 3 }), (text, pick, value) => {
        const pipeline = sent(text);
        const all = places(pipeline).slice(1);
        const way = all[pick % all.length] ?? [];
        const holder = way.slice(0, -1).reduce<Record<string, unknown>>((inner, key) => inner[key] as Record<string, unknown>, pipeline);
        const before = JSON.stringify(holder[way.at(-1) ?? '']);
        holder[way.at(-1) ?? ''] = value;
        const found = problems({ pipeline });
        // A number or a name may change to another valid one. Then a pipeline file could also contain it.
        if (found.length === 0 && JSON.stringify(value) !== before) expect(['string', 'number', 'boolean'], JSON.stringify([way, value])).toContain(typeof value);
        expect(found.every(({ message }) => message.length <= 600)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('refuses wrong values beside the pipeline', () => {
  const pipeline = sent();
  it.each<[string, Sent, string, RegExp]>([
    ['the digest of something else', { configDigest: '0'.repeat(64) }, 'configDigest', new RegExp(`expected ${digestOf(pipeline)}`)],
    ['no digest', { configDigest: null }, 'configDigest', /^it is empty/],
    ['a folder that is not a path', { folder: 5 }, 'folder', /^it is 5; expected an absolute path/],
    ['a relative folder', { folder: '../x' }, 'folder', /expected an absolute path/],
    ['a first stage that does not exist', { anew: { from: 4, since: '2026-01-01T00:00:00Z' } }, 'anew.from', /^it is 4; expected the index of a stage, 0 to 3/],
    ['a stage by name', { anew: { from: '__proto__', since: '2026-01-01T00:00:00Z' } }, 'anew.from', /expected the index/],
    ['half a stage', { anew: { from: 0.5, since: '2026-01-01T00:00:00Z' } }, 'anew.from', /expected the index/],
    ['an invalid time', { anew: { from: 0, since: 'tomorrow' } }, 'anew.since', /^it is "tomorrow"; expected a time/],
    ['an invalid lock', { lock: { version: 1, files: 5 } }, 'lock.files', /^`files` is 5; expected a mapping/],
    ['a lock of text', { lock: '../x' }, 'lock', /expected a mapping/],
  ])('%s', (_, request, at, message) => {
    const found = problems({ pipeline, ...request });
    expect(found.map((one) => one.at)).toContain(at);
    expect(found.find((one) => one.at === at)?.message).toMatch(message);
  });
});

it('accepts a pipeline from a file in another folder', () => {
  const { pipeline } = parsePipeline({ text: pipelineText(), path: '/somewhere/else/p.yaml' });
  check({ pipeline, folder: '/somewhere/else' });
});
