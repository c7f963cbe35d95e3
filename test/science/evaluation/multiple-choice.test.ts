import { describe, expect, it } from 'vitest';
import { accuracy, likeliest, likeliestByCharacter } from '../../../science/evaluation/index.js';

describe('answers', () => {
  it('choose the likeliest, and the first of two equal ones', () => {
    expect(likeliest({ logLikelihoods: [-3, -2, -2], lengths: [1, 1, 1], gold: 0 })).toBe(1);
  });

  it('may choose a long one by likelihood per character', () => {
    const document = { logLikelihoods: [-6, -10], lengths: [3, 10], gold: 1 };
    expect([likeliest(document), likeliestByCharacter(document)]).toEqual([0, 1]);
  });
});

describe('accuracy', () => {
  it('has the standard error of the mean of a sample', () => {
    const right = [true, false, false, true, true, false, true];
    const values = right.map(Number);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
    const { value, standardError } = accuracy(right);
    expect(value).toBeCloseTo(4 / 7, 12);
    expect(standardError).toBeCloseTo(deviation / Math.sqrt(values.length), 12);
  });

  it('of one document has no standard error', () => {
    expect(accuracy([true])).toEqual({ value: 1, standardError: null });
  });
});
