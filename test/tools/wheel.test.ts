import { expect, test } from 'vitest';
import { wheelsFor } from '#setup/wheel.mjs';

const named = (machineKind: string, gpu: boolean) => wheelsFor(machineKind, gpu).map(({ name, cuda }) => `${name}${cuda ? ' with CUDA' : ''}`);

test('lists the wheels for each machine, the best first', () => {
  expect(named('linux-x64', false)).toEqual(['tensorflow-cpu']);
  expect(named('linux-x64', true)).toEqual(['tensorflow with CUDA', 'tensorflow-cpu']);
  expect(named('linux-arm64', false)).toEqual(['tensorflow']);
  expect(named('darwin-arm64', false)).toEqual(['tensorflow']);
  expect(named('darwin-x64', false)).toEqual([]);
  expect(named('win32-x64', true)).toEqual([]);
});

test('requests only the tags of that machine', () => {
  expect(wheelsFor('linux-x64', false)[0].tags.every((tag) => tag.endsWith('_x86_64'))).toBe(true);
  expect(wheelsFor('linux-arm64', false)[0].tags.every((tag) => tag.endsWith('_aarch64'))).toBe(true);
  expect(wheelsFor('darwin-arm64', false)[0].tags).toEqual(['macosx_12_0_arm64']);
});
