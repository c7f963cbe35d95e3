import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignShards } from '../../workflows/shard-places.js';

describe('the places of shards', () => {
  it('are in turn at the beginning', () => {
    expect(assignShards([], ['a'], 3)).toEqual(['a', 'a', 'a']);
    expect(assignShards([], ['a', 'b'], 4)).toEqual(['a', 'b', 'a', 'b']);
    expect(assignShards([], ['a', 'b', 'c', 'd'], 4)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('stay where they are when a place is lost, but for its own', () => {
    expect(assignShards(['a', 'b', 'c', 'd'], ['a', 'c', 'd'], 4)).toEqual(['a', 'a', 'c', 'd']);
    expect(assignShards(['a', 'b', 'a', 'b'], ['b'], 4)).toEqual(['b', 'b', 'b', 'b']);
  });

  it('move to a worker that joins until the work is even', () => {
    expect(assignShards(['a', 'a', 'a', 'a'], ['a', 'b'], 4)).toEqual(['a', 'a', 'b', 'b']);
    expect(assignShards(['a', 'b', 'a', 'b'], ['a', 'b', 'c'], 4)).toEqual(['a', 'b', 'c', 'b']);
    expect(assignShards(['a', 'b', 'c'], ['a', 'b', 'c', 'd'], 3)).toEqual(['a', 'b', 'c']);
  });

  it('are even, and moved no more than needed, whoever comes and goes', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const place = fc.constantFrom(...names);
    fc.assert(fc.property(fc.array(place, { maxLength: 12 }), fc.uniqueArray(place, { minLength: 1 }), fc.integer({ min: 1, max: 12 }), (before, places, count) => {
      const after = assignShards(before, places, count);
      expect(after).toHaveLength(count);
      const loads = places.map((name) => after.filter((one) => one === name).length);
      expect(loads.reduce((sum, load) => sum + load, 0)).toBe(count);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(2);
      // A second call with the same places moves nothing.
      expect(assignShards(after, places, count)).toEqual(after);
      // Shards of lost places move. Of the others, only those above the even share of their place move.
      const kept = Array.from({ length: count }, (_, shard) => before.at(shard)).map((one, shard) => shard < before.length && one !== undefined && places.includes(one));
      const tooMany = places.reduce((sum, name) => sum + Math.max(0, kept.filter((isKept, shard) => isKept && before[shard] === name).length - Math.floor(count / places.length)), 0);
      const moved = kept.filter((isKept, shard) => isKept && after[shard] !== before[shard]).length;
      expect(moved).toBeLessThanOrEqual(tooMany);
    }));
  });
});
