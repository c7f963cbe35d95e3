import { describe, expect, it } from 'vitest';
import { sweepView, type SweepView } from '../../../app/cli/sweep/view.js';
import type { SweepRow } from '../../../workflows/sweep-protocol.js';

const row = (name: string, more: Partial<SweepRow>): SweepRow => ({ name, workflowId: `id.${name}`, values: {}, status: 'waiting', ...more });
const view = (rows: SweepRow[], running: SweepView['running'] = {}): SweepView => ({ table: { name: 's', axes: [], rows }, running });
const progress = { name: 'p', configDigest: '', stages: [{ type: 'rebuild' as const, state: 'running' as const, done: 1, total: 4, detail: 'layer 1', seconds: 1, reused: 0 }] };

describe('members of a sweep in progress', () => {
  const done = row('a=1', { status: 'done', perplexity: { rebuilt: { t: 12.3456 } }, seconds: 3 });

  it('have one line each on a terminal, no wider than it, and a total', () => {
    const lines = sweepView.render(view([done, row('a=22', { status: 'running' }), row('a=3', {})], { 'id.a=22': progress }), 60);
    expect(lines).toEqual([
      'a=1  ████████████ done  perplexity 12.35  3.0 s',
      'a=22 ███░░░░░░░░░ rebuild 1/4 layer 1',
      'a=3  ░░░░░░░░░░░░',
      '3 members: 1 done, 1 running, 1 waiting.',
    ]);
    expect(Math.max(...sweepView.render(view([done]), 20).map((line) => [...line].length))).toBeLessThan(20);
  });

  it('are shown only while they run in a large sweep', () => {
    const many = Array.from({ length: 100 }, (_, index) => row(`a=${index}`, { status: index === 7 ? 'running' : 'waiting' }));
    expect(sweepView.render(view(many), 80)).toEqual([expect.stringContaining('a=7'), '100 members: 99 waiting, 1 running.']);
  });

  it('have one line when they begin and one when they end without a terminal', () => {
    const before = view([row('a=1', { status: 'running' }), row('a=2', {})]);
    const now = view([done, row('a=2', { status: 'skipped', because: 'no use' })]);
    expect(sweepView.plain(undefined, before)).toEqual(['a=1: started']);
    expect(sweepView.plain(before, now)).toEqual(['a=1: done  perplexity 12.35  3.0 s (2 of 2)', 'a=2: skipped: no use (2 of 2)']);
    expect(sweepView.plain(now, now)).toEqual([]);
  });
});
