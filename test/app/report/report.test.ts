import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../app/config/index.js';
import { renderReport } from '../../../app/report/index.js';
import { exampleDigest, examplePipeline, exampleResult } from './example-result.js';

const report = renderReport(exampleResult, examplePipeline);
const rows = report.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
const row = (...start: string[]) => rows.find((cells) => start.every((cell, column) => cells[column] === cell));

describe('report', () => {
  it('has the perplexities of all states, and the gap closed if there is a gap', () => {
    expect(row('perplexity')).toEqual(['perplexity', 'dense', 'initial', 'rebuilt', 'gap closed']);
    expect(row('held\\|out.txt')).toEqual(['held\\|out.txt', '2.82', '9.41', '6.32', '33.0 %']);
    expect(row('ptb')).toEqual(['ptb', '10', '9', '9.5', '-']);
  });

  it('has sparsity, errors and swaps of every sub-block, and seconds', () => {
    expect(row('2:4')).toEqual(['2:4', '50 %', '49.9999 %']);
    expect(row('0', 'attention')).toEqual(['0', 'attention', '0.02', '0.015', '-25 %', '45', '45']);
    expect(row('0', 'mlp')).toEqual(['0', 'mlp', '3.2e-7', '4e-7', '+25 %', '12,300', '12,300']);
    expect(row('rebuild')).toEqual(['rebuild', '75.50', '1 min 16 s']);
    expect(row('total')).toEqual(['total', '80.00', '1 min 20 s']);
    expect(report).toContain('3 pieces of work were found');
  });

  it('says what was run, on what, and with what result', () => {
    for (const text of ['1,234,567 parameters', 'random, seed 7', 'field `story`', 'granularity output, ratio 0.25, metric gradient', 'TensorFlow 2.21.0', 'cpu, 2 threads', exampleDigest, exampleResult.mask, exampleResult.checkpoint]) {
      expect(report).toContain(text);
    }
  });

  it('has a pipeline file that resolves to the same pipeline', () => {
    const text = /```yaml\n([^]*?)```/.exec(report)?.[1] ?? '';
    expect(parsePipeline({ text, path: '/elsewhere/pipeline.yaml' }).digest).toBe(exampleDigest);
  });

  it('shows the rounds of a guarded rebuild, and extra work of SparseGPT', () => {
    const rounds = [
      { ratio: 0.4, errorBefore: 0.02, error: 0.015, accepted: true },
      { ratio: 0.1, errorBefore: 0.015, error: 0.016, accepted: false },
    ];
    const layers = exampleResult.rebuild.layers.map((entry) => ({ ...entry, rounds }));
    const linears = [{ layer: 1, linear: 'layers.1.q_proj.weight', damping: 0.1, deadInputs: 1234 }];
    const told = renderReport({ ...exampleResult, initialMask: { layers: [0.5, 0.5], linears }, rebuild: { ...exampleResult.rebuild, layers } }, examplePipeline);
    expect(told).toContain('0.4: -25 %, (0.1: +6.7 %)');
    expect(told).toMatch(/\| 1 +\| `layers.1.q_proj.weight` +\| 0.1 +\| 1,234 +\|/);
  });

  it('shows the effect and cost of a reconstruction and its refits, only if there were any', () => {
    const [first, second] = exampleResult.rebuild.layers;
    const refit = { errorBefore: 0.02, error: 0.01, accepted: true };
    const layers = [{ ...first, refit, forwards: 18.64 }, { ...second, refit: { ...refit, accepted: false }, reconstruction: { errorBefore: 0.5, error: 0.4, accepted: true, epochs: 6 }, forwards: 18.64 }];
    const told = renderReport({ ...exampleResult, rebuild: { ...exampleResult.rebuild, layers } }, examplePipeline);
    expect(told).toMatch(/\| refit +\| reconstruction +\| forwards +\|/);
    expect(told).toMatch(/\| -50 % +\| +\| 18.6 +\|/);
    expect(told).toMatch(/\| \(-50 %\) +\| -20 % in 6 +\| 18.6 +\|/);
    expect(told).not.toContain('*rounds*');
    expect(report).not.toContain('in brackets');
  });

  it('shows the sparsity of every layer if an allocation chose it', () => {
    const stages = examplePipeline.stages.map((stage) => (stage.type === 'initialMask' ? { ...stage, allocation: { method: 'owl' as const } } : stage));
    const told = renderReport({ ...exampleResult, initialMask: { layers: [0.42, 0.58], linears: [] } }, { ...examplePipeline, stages });
    expect(told).toContain('spread by owl');
    expect(told).toMatch(/\| 0 +\| 42 % +\|\n\| 1 +\| 58 % +\|/);
  });

  it('leaves out what a run did not do', () => {
    const evaluated = renderReport({ ...exampleResult, mask: '', rebuild: { grown: 0, pruned: 0, layers: [] }, perplexity: { dense: { ptb: 10 } } }, examplePipeline);
    expect(evaluated).not.toMatch(/## (Rebuild|Sparsity)|gap closed/i);
    expect(evaluated).toContain('| ptb        | 10    |');
  });

  it('shows where the time went, for stages that made anything', () => {
    const seconds = { products: 60, elementwise: 10.5, transfers: 0.25, javascript: 3, waiting: 1 };
    const rebuild = { bytesUp: 3 * 2 ** 30, bytesDown: 2 ** 20, operations: 1234, seconds, peakBytes: 5.5 * 2 ** 30 };
    const told = renderReport({ ...exampleResult, costs: { rebuild } }, examplePipeline);
    const last = told.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim())).filter((cells) => cells.length === 9);
    expect(last.map(([stage]) => stage)).toEqual(['stage', expect.stringMatching(/^-+$/), 'rebuild']);
    expect(last[2]).toEqual(['rebuild', '1 min 0 s', '11 s', '0.3 s', '3.0 s', '1.0 s', '3.00 GiB', '1.00 MiB', '5.50 GiB']);
    expect(report).not.toContain('JavaScript');
  });
});
