/** The example of docs/api.md, in a project with this package installed. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMaskSource } from '../../../files/masks/index.js';
import { plainEnvironment } from '../cli/run-program.js';

const run = promisify(execFile);
const [, example = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync('docs/api.md', 'utf8')) ?? [];

describe('the example of docs/api.md', () => {
  let project: string;
  beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), 'api-'));
    mkdirSync(path.join(project, 'node_modules', '@types'), { recursive: true });
    symlinkSync(path.resolve('.'), path.join(project, 'node_modules', 'llm-barber-pipeline'));
    symlinkSync(path.resolve('node_modules/@types/node'), path.join(project, 'node_modules', '@types', 'node'));
    writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(path.join(project, 'example.js'), example);
    writeFileSync(path.join(project, 'example.ts'), example);
  });
  afterAll(() => rmSync(project, { recursive: true }));

  it('runs, and prints what its files contain', async () => {
    const { stdout } = await run(process.execPath, ['example.js'], { cwd: project, env: plainEnvironment });
    expect(stdout).toMatch(/dense: \{ 'heldout\.txt': 1\.83/);
    const [, name = '', pruned, weights] = /^(\S+): (\d+) of (\d+) weights are pruned$/m.exec(stdout) ?? [];
    const [, mask = ''] = /mask\s+(\S+)/.exec((await run('find', [path.join(project, 'state', 'runs'), '-name', 'mask.safetensors', '-printf', 'mask %p'])).stdout) ?? [];
    const { bits, shape } = await (await openMaskSource(mask)).read(name);
    const ones = [...bits].map((byte) => byte.toString(2).replaceAll('0', '').length).reduce((sum, count) => sum + count, 0);
    expect([Number(pruned), Number(weights)]).toEqual([shape[0] * shape[1] - ones, shape[0] * shape[1]]);
  });

  it('type-checks, and fails with a wrong option', async () => {
    const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const check = () => run(process.execPath, [compiler, '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', 'example.ts'], { cwd: project });
    await check();
    writeFileSync(path.join(project, 'example.ts'), example.replace('state:', 'stat:'));
    await expect(check()).rejects.toMatchObject({ stdout: expect.stringContaining("'stat' does not exist") as string });
  });
});
