import { describe, expect, it } from 'vitest';
import { formatChange, formatDuration, formatNumber, gapClosed, formatInteger, formatPercent } from '../../../app/report/index.js';

describe('figures', () => {
  it.each([
    [6.84241, '6.842'],
    [65.7, '65.7'],
    [100, '100'],
    [999.96, '1,000'],
    [1234.56, '1,235'],
    [0.000123456, '0.0001235'],
    [1.23456e-7, '1.235e-7'],
    [0, '0'],
    [-0.5, '-0.5'],
    [Infinity, 'Infinity'],
  ])('writes %d as %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it('shows that a sparsity misses its target by one weight in a million', () => {
    expect(formatPercent(0.5)).toBe('50 %');
    expect(formatPercent(0.499999)).toBe('49.9999 %');
  });

  it.each([
    [1, 0.37, '-63 %'],
    [1, 1.255, '+25 %'],
    [2, 2, '0 %'],
    [0, 0, '0 %'],
    [0, 1, 'new'],
  ])('writes the change from %d to %d as %s', (before, after, text) => expect(formatChange(before, after)).toBe(text));

  it.each([
    [0.04, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.6, '1 min 0 s'],
    [200, '3 min 20 s'],
    [3599.7, '1 h 0 min'],
    [7500, '2 h 5 min'],
    [400_000, '5 days'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('groups thousands', () => expect([0, 999, 1000, 226560, 13015864320].map(formatInteger)).toEqual(['0', '999', '1,000', '226,560', '13,015,864,320']));
});

describe('gap closed', () => {
  it('is the share of the log-perplexity gap', () => {
    // ln(6.32 / 2.82) = 0.80697, ln(9.41 / 2.82) = 1.20503
    expect(gapClosed(2.82, 9.41, 6.32)).toBeCloseTo(0.33033, 4);
    expect(gapClosed(2.82, 9.41, 9.41)).toBe(0);
    expect(gapClosed(2.82, 9.41, 2.82)).toBe(1);
    expect(gapClosed(2.82, 9.41, 20)).toBeLessThan(0);
  });

  it('is undefined without a gap or without a number', () => {
    expect(gapClosed(10, 9, 9.5)).toBeUndefined();
    expect(gapClosed(2, undefined, 3)).toBeUndefined();
  });
});
