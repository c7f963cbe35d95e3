import { describe, expect, it } from 'vitest';
import { effortPicture, effortPoints } from '../../../../tools/bench/quality/effort-picture.js';
import type { Row, Section } from '../../../../tools/bench/quality/table.js';

const row = (method: string, forwards: number | undefined, closed: number): Row => ({
  model: 'm', pattern: '50', method, seeds: 1, perplexity: { 'held-out': 2 }, closed: { 'held-out': closed },
  seconds: { initial: 1, rebuild: 1 }, peakBytes: 1, ...(forwards !== undefined && { forwards }),
});
const section = (rows: Row[]): Section => ({ model: 'm', about: '', rows, impossible: [] });

describe('picture of quality over effort', () => {
  it('shows means over models of the methods measured on all of them', () => {
    const points = effortPoints([
      section([row('best:effort=1', 4, 0.5), row('refit', 12, 0.4), row('wanda', undefined, 0)]),
      section([row('best:effort=1', 6, 0.7)]),
    ]);
    expect(points).toEqual([{ pattern: '50', method: 'best:effort=1', forwards: 5, closed: expect.closeTo(0.6, 12) as number }]);
  });

  it('is an SVG of the efforts and the other methods', () => {
    const points = [
      { pattern: '50', method: 'best:effort=10', forwards: 20, closed: 0.7 }, { pattern: '50', method: 'best:effort=1', forwards: 5, closed: 0.6 },
      { pattern: '50', method: 'refit', forwards: 12, closed: 0.5 },
    ];
    const once = effortPicture(points);
    expect(once).toContain('<svg');
    expect(once).toContain('refit');
    expect(once).toContain('50 %');
    expect(effortPicture([])).toBeUndefined();
  });
});
