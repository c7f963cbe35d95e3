import { expect, it } from 'vitest';
import { withDetail } from '../../../../app/cli/progress/follow.js';
import type { PipelineProgress } from '../../../../workflows/protocol.js';

const progress = (state: 'running' | 'done', detail: string): PipelineProgress => ({
  name: 'p', configDigest: '', stages: [{ type: 'rebuild', state, done: 0, total: 2, detail, seconds: 0, reused: 0 }],
});
const detail = (of: PipelineProgress): string => of.stages[0].detail;

it('shows the message of the worker if it says more about the same layer', () => {
  expect(detail(withDetail(progress('running', 'layer 1'), ['layer 1, mlp, round 2: ratio 0.4']))).toBe('layer 1, mlp, round 2: ratio 0.4');
});

it('ignores messages about another layer or a finished stage, and messages that are not text', () => {
  expect(detail(withDetail(progress('running', 'layer 1'), ['layer 0, mlp', 7]))).toBe('layer 1');
  expect(detail(withDetail(progress('running', 'rebuilt, layer 1'), ['layer 1']))).toBe('rebuilt, layer 1');
  expect(detail(withDetail(progress('done', ''), ['layer 1, mlp']))).toBe('');
});

it('shows the message of the worker before any stage has begun', () => {
  const waiting: PipelineProgress = { name: 'p', configDigest: '', stages: [{ type: 'rebuild', state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0 }] };
  expect(withDetail(waiting, ['', 'downloading a/b: c']).preparing).toBe('downloading a/b: c');
  expect(withDetail(waiting, []).preparing).toBeUndefined();
  expect(withDetail(progress('running', 'layer 1'), ['layer 1, mlp']).preparing).toBeUndefined();
});
