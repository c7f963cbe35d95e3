import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gpuOf } from '../../../science/engine/gpu.js';

const maps = `7f10c0000000-7f10c0021000 r--p 00000000 08:01 131 /opt/cuda lib/libcublas.so.12
7f10c0021000-7f10c0022000 r-xp 00021000 08:01 131 /opt/cuda lib/libcublas.so.12
7f10d0000000-7f10d0021000 r--p 00000000 08:01 132 /opt/cuda lib/libcublasLt.so.12
7f10d0100000-7f10d0121000 r--p 00000000 08:01 133 /opt/cuda lib/libcudnn.so.9
7f10d0100000-7f10d0121000 r--p 00000000 08:01 134 /opt/cuda lib/libcudnn_ops.so.9
7f10d0100000-7f10d0121000 r--p 00000000 08:01 135 /usr/lib/libc.so.6
7f10e0000000-7f10e0021000 rw-p 00000000 00:00 0 [heap]
`;
const answer = 'NVIDIA H100 80GB HBM3, 9.0, 550.54.15\n';

describe('the identity of a GPU', () => {
  it('is its name, compute capability, driver and libraries', () => {
    expect(gpuOf(answer, maps, '0', (path) => (path.includes('cudnn') ? '9.3.0' : '12.5.3'))).toEqual({
      name: 'NVIDIA H100 80GB HBM3',
      kernels: 'compute capability 9.0, driver 550.54.15, cublas 12.5.3, cublasLt 12.5.3, cudnn 9.3.0',
    });
  });

  it.each([
    ['driver', answer.replace('550.54.15', '535.104.05'), maps],
    ['compute capability', answer.replace('9.0', '8.0'), maps],
    ['library', answer, maps.replaceAll('libcublas.so.12', 'libcublas.so.13')],
  ])('differs with another %s', (_, otherAnswer, otherMaps) => {
    const of = (text: string, loaded: string): string => gpuOf(text, loaded, '0', (path) => path).kernels;
    expect(of(otherAnswer, otherMaps)).not.toBe(of(answer, maps));
  });

  it.each(['', 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.\n'])('is its number if nvidia-smi prints %j', (text) => {
    expect(gpuOf(text, '', '3')).toEqual({ name: 'device 3', kernels: '' });
  });

  describe('the version of a library', () => {
    let folder: string;
    beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'gpu-'))));
    afterAll(() => rmSync(folder, { recursive: true }));
    const kernels = (name: string): string => gpuOf('', `7f1-7f2 r--p 0 08:01 1 ${join(folder, name)}\n`, '0').kernels;

    it('is in the name of the file that a link points to', () => {
      writeFileSync(join(folder, 'libcudnn.so.9.3.0'), '');
      symlinkSync('libcudnn.so.9.3.0', join(folder, 'libcudnn.so.9'));
      expect(kernels('libcudnn.so.9')).toBe('cudnn 9.3.0');
    });

    it('includes the file size if only the major version is known', () => {
      writeFileSync(join(folder, 'libcublas.so.12'), 'x'.repeat(17));
      expect(kernels('libcublas.so.12')).toBe('cublas 12 (17 bytes)');
    });
  });
});
