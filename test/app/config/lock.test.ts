import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadLock, PipelineFileError } from '../../../app/config/index.js';
import { asLine } from './helpers.js';

const digest = 'a'.repeat(64);
const text = `version: 2
package: 0.1.0
numerics: { rebuild: 1 }
pipelineDigest: ${digest}
pipeline: { name: p }
model: { digest: ${digest} }
files: { ./a.txt: ${digest} }
engine: { backend: wasm, version: v, device: cpu, kernels: simd, threads: 1 }
sequencesPerBatch: 3
outputs:
  perplexity: { dense: { a.txt: 1.8349511206616584 } }
`;

describe('a lock', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (content: string): ReturnType<typeof loadLock> => {
    const file = join(folder, 'x.lock.yaml');
    writeFileSync(file, content);
    return loadLock(file);
  };
  const problems = (content: string): string[] => {
    try {
      load(content);
    } catch (error) {
      if (error instanceof PipelineFileError) return error.problems.map(asLine);
      throw error;
    }
    return [];
  };

  it('is plain data, with numbers to the last bit', () => {
    expect(load(text)).toStrictEqual({
      version: 2, package: '0.1.0', numerics: { rebuild: 1 }, pipelineDigest: digest, pipeline: { name: 'p' }, model: { digest }, files: { './a.txt': digest },
      engine: { backend: 'wasm', version: 'v', device: 'cpu', kernels: 'simd', threads: 1 }, sequencesPerBatch: 3, outputs: { perplexity: { dense: { 'a.txt': 1.8349511206616584 } } },
    });
  });

  it.each([
    ['version: 2', 'version: 1', '1:10'],
    ['kernels: simd, ', '', '8:9'],
  ])('of an older version is refused, with what to do: %s -> %s', (from, to, place) => {
    const [problem] = problems(text.replace(from, to));
    expect(problem).toContain(`${place} this lock does not say which instruction set`);
    expect(problem).toContain('Run once without --locked');
  });

  it.each([
    ['version: 2', 'version: 3', '1:10 `version` is 3; expected `1` or `2`'],
    ['threads: 1', 'threads: 0', '8:75 `threads` is 0; expected a whole number of at least 1 and at most 100000. Write for example `threads: 2`'],
    ['backend: wasm', 'backend: cuda', '8:20 `backend` is "cuda"; expected `tensorflow` or `wasm`'],
    [`./a.txt: ${digest}`, './a.txt: short', '7:19 `./a.txt` is "short"; expected 64 hexadecimal digits'],
    ['sequencesPerBatch: 3', 'sequencePerBatch: 3', '9:1 unknown key `sequencePerBatch` in the lock'],
    ['perplexity: {', 'perplexity: [', '11:15 YAML syntax'],
  ])('is refused with the place of the error: %s -> %s', (from, to, message) => {
    expect(text).toContain(from);
    expect(problems(text.replace(from, to))[0]?.replace(/^11:\d+/, '11:15')).toContain(message);
  });
});
