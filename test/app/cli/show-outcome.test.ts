import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { showOutcome } from '../../../app/cli/show-outcome.js';
import { showSweep } from '../../../app/cli/sweep/follow.js';
import type { GateResult, PipelineResult } from '../../../workflows/protocol.js';
import type { SweepResult, SweepRow } from '../../../workflows/sweep-protocol.js';
import { exampleResult } from '../report/example-result.js';

let out = '';
let err = '';
beforeEach(() => {
  [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += text as string), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += text as string), true));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const gate = (check: string, more: Partial<GateResult>): GateResult => ({ gate: check, asked: check, quantity: 'perplexity', comparison: '<=', limit: 7, found: 6, passed: true, ...more });
const run = { workflowId: 'w', runId: 'r' };
const shown = (result: PipelineResult, json = false): number => showOutcome(run, { status: 'completed', result }, { json });

describe('the end of a run', () => {
  const passed = { ...exampleResult, gates: [gate('rebuilt perplexity <= 7', {})] };
  const failed: PipelineResult = {
    ...exampleResult,
    gates: [
      ...passed.gates,
      gate('piqa acc drop <= 2 points', { gate: 'no dumber', quantity: 'drop', limit: 0.02, found: 0.025, passed: false }),
      gate('sparsity within 0.0001', { quantity: 'sparsity', comparison: 'within', limit: 0.0001, found: 0.499999 }),
      gate('gap closed of ptb >= 50 %', { quantity: 'gapClosed', comparison: '>=', limit: 0.5, found: null, passed: false }),
    ],
  };

  it('succeeds without gates, and if all have passed', () => {
    expect(shown(exampleResult)).toBe(0);
    expect(out).not.toContain('gate');
    expect(shown(passed)).toBe(0);
    expect(out).toMatch(/example: done\n[^]*rebuilt perplexity <= 7 +<= 7 +6 +passed/);
    expect(err).toBe('');
  });

  it('has exit code 3 and a table of required and measured values if a gate failed', () => {
    expect(shown(failed)).toBe(3);
    expect(out).toMatch(/no dumber: piqa acc drop <= 2 points +<= 2 points +2\.5 points +FAILED/);
    expect(out).toMatch(/sparsity within 0\.0001 +within 0\.01 points of 50 % +49\.9999 % +passed/);
    expect(out).toMatch(/gap closed of ptb >= 50 % +>= 50 % +none +FAILED/);
    expect(out).toContain(exampleResult.checkpoint);
    expect(err).toBe('2 of 4 quality gates failed: no dumber; gap closed of ptb >= 50 %. The files of the run are kept.\n');
  });

  it('reports the same as JSON', () => {
    expect(shown(failed, true)).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ ...run, status: 'gateFailed', name: 'example', gates: [{ passed: true }, { gate: 'no dumber', passed: false }, {}, {}] });
  });

  it('distinguishes input refused by a lock from a failed run', () => {
    const refused = (type: string): number => showOutcome(run, { status: 'failed', error: { type, message: 'm' } }, { json: false });
    expect(refused('LockMismatchError')).toBe(2);
    expect(refused('LockBrokenError')).toBe(1);
  });
});

describe('the end of a sweep', () => {
  const row = (name: string, more: Partial<SweepRow>): SweepRow => ({ name, workflowId: name, values: { s: 1 }, status: 'done', ...more });
  const sweep = (rows: SweepRow[]): number => {
    const result: SweepResult = { name: 'sweep', axes: ['s'], rows, report: '/r.md' };
    return showSweep('w', { status: 'completed', result }, { json: false, state: '/state' });
  };
  const missed = row('b', { status: 'gateFailed', because: 'no dumber', perplexity: { initial: { t: 9 } } });

  it('has exit code 3 if a gate of a member failed and all members have run', () => {
    expect(sweep([row('a', {}), missed])).toBe(3);
    expect(out).toContain('sweep: 2 members: 1 done, 1 gateFailed.');
    expect(out).toMatch(/\| 1 +\| gateFailed +\| +\| 9 /);
    expect(err).toBe('b: quality gates failed: no dumber\n');
  });

  it('fails if a member failed', () => {
    expect(sweep([missed, row('c', { status: 'failed', error: { type: 'E', message: 'm' } })])).toBe(1);
    expect(err).toContain('To run the others');
  });
});
