/** What npm publishes of this package, and what set-up adds to it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtFolder, packageRoot } from '#setup/paths.mjs';

interface Manifest {
  private?: boolean;
  bin: Record<string, string>;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
  exports: { '.': { types: string; import: string } };
}
interface Lock {
  packages: Record<string, { version: string; integrity?: string; dependencies?: Record<string, string>; dev?: boolean; hasInstallScript?: boolean }>;
}
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const manifest = json(join(packageRoot, 'package.json')) as Manifest;

describe('the tarball', () => {
  let folder: string;
  let files: string[];
  let text: (file: string) => string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'package-'));
    const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: packageRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as { filename: string }[];
    const tarball = join(folder, filename);
    const tar = (...words: string[]) => execFileSync('tar', words, { encoding: 'utf8', maxBuffer: 1 << 26 });
    files = tar('-tzf', tarball).trim().split('\n').map((name) => name.replace(/^package\//, ''));
    text = (file) => tar('-xzOf', tarball, `package/${file}`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs a command in a project that has the package installed but not set up, with an npm that fails. */
  function stranger(...words: string[]): { code: number | null; stdout: string; stderr: string } {
    const installed = join(folder, 'node_modules');
    const own = join(installed, 'llm-barber-pipeline');
    const npm = join(folder, 'npm-cli.js');
    if (!existsSync(own)) {
      mkdirSync(own, { recursive: true });
      execFileSync('tar', ['-xzf', join(folder, tarballName()), '-C', own, '--strip-components=1']);
      for (const name of Object.keys(manifest.dependencies)) {
        mkdirSync(dirname(join(installed, name)), { recursive: true });
        symlinkSync(join(packageRoot, 'node_modules', name), join(installed, name));
      }
      writeFileSync(npm, "console.error('the registry cannot be reached'); process.exit(1);");
    }
    const env = { PATH: process.env['PATH'], npm_execpath: npm, HOME: folder, LLM_BARBER_CACHE: join(folder, 'cache') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(own, 'app/cli/bin/temporal-pipeline.mjs'), ...words], { cwd: folder, env, encoding: 'utf8' });
    return { code: status, stdout, stderr };
  }
  const tarballName = (): string => readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';

  it('checks and explains pipelines before set-up', () => {
    expect(stranger('validate', '--files', 'node_modules/llm-barber-pipeline/pipelines/demo.yaml')).toMatchObject({ code: 0, stderr: '' });
    expect(stranger('explain', 'samples').stdout).toContain('Number of windows');
    const { checks } = JSON.parse(stranger('doctor', '--json').stdout) as { checks: { name: string; standing: string; mend?: string }[] };
    expect(checks.find(({ name }) => name === 'packages')).toMatchObject({ standing: 'missing', mend: expect.stringContaining('npx temporal-pipeline setup') as string });
  });

  it('sets up on first use, announces what that downloads, and starts nothing if it fails', () => {
    const { code, stdout, stderr } = stranger('demo', '--json');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Set-up downloads .*npm packages of workers \(200 MB, 630 MB on disk\).*TensorFlow .*MB.*cache\. This takes/);
    expect(stderr).toContain('packages ... fetching them from the npm registry ... failed');
    expect(stderr).toMatch(/Set-up stopped: npm ci: exit code 1: the registry cannot be reached/);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error: { type: 'SetUpError' } });
    expect(existsSync(join(folder, '.llm-barber'))).toBe(false);
    expect(readdirSync(join(folder, 'cache', 'worker-packages'))).toEqual([]);
  });

  it('does not set up for an invalid pipeline', () => {
    expect(stranger('run', 'nothing.yaml').stderr).not.toContain('Set-up');
  });

  it('has everything that its commands, its API and set-up need', () => {
    expect(files).toEqual(expect.arrayContaining([
      ...Object.values(manifest.bin), ...Object.values(manifest.exports['.']).map((path) => path.replace('./', '')),
      'README.md', 'CONTRIBUTING.md', 'LICENSE', 'schemas/pipeline.schema.json', 'pipelines/demo.yaml', 'pipelines/demo/model/model.safetensors',
      'tools/setup/set-up.mjs', 'tools/setup/quiet-log.cc', 'dist/worker-packages/package-lock.json',
      'dist/workflow-bundle.js', 'dist/workflow-bundle-encrypted.js', 'dist/workflows/failure-converter.js',
    ]));
  });

  it('has every part of its programs, and nothing from an earlier build', () => {
    const { outputs } = json(join(builtFolder, 'programs', 'contents.json')) as { outputs: Record<string, unknown> };
    const parts = Object.keys(outputs).filter((name) => name.endsWith('.js'));
    expect(files.filter((name) => /^dist\/programs\//.test(name)).sort()).toEqual(parts.sort());
  });

  it('has every file that its types and its set-up import', () => {
    const known = new Set(files);
    const lost = files.filter((name) => /\.d\.ts$|^tools\/setup\/.*\.mjs$/.test(name)).flatMap((name) => {
      const imported = [...readFileSync(join(packageRoot, name), 'utf8').matchAll(/(?:from|import)\s*\(?["'](\.{1,2}\/[^"']+)["']/g)].map(([, path]) => join(name, '..', path));
      return imported.filter((path) => !known.has(path) && !known.has(path.replace(/\.js$/, '.d.ts'))).map((path) => `${name}: ${path}`);
    });
    // Only a clone needs to be built.
    expect(lost).toEqual(['tools/setup/set-up.mjs: tools/build.mjs']);
  });

  it('has masks for the packs that need no other data, and no sources, tests or native code', () => {
    for (const name of ['magnitude', 'wanda']) {
      const pack = `pipelines/packs/golden-demo-${name}.yaml`;
      const [, mask] = /initialMask\.source: \.\.\/\.\.\/(\S+)/.exec(text(pack)) ?? [];
      expect(files).toContain(mask);
    }
    expect(files.filter((name) => /(?<!\.d)\.m?ts$(?<!\.d\.mts)|\.test\.|\.node$|\.map$|node_modules/.test(name))).toEqual([]);
    expect(files.filter((name) => name.startsWith('test/'))).toHaveLength(2);
  });
});

describe('what is installed', () => {
  it('with the package: nothing that only workers need, nothing that the programs bundle, and no install script of its own', () => {
    const names = Object.keys(manifest.dependencies);
    expect(names.filter((name) => /^@tensorflow\/|tokenizers|@temporalio\/(worker|testing)|^(ajv|commander|echarts|yaml)$/.test(name))).toEqual([]);
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    expect(manifest.private).toBeUndefined();
  });

  it('by set-up: the engine named in package.json, optional for npm, without scripts', () => {
    expect(manifest.peerDependencies).toHaveProperty('@tensorflow/tfjs-node-gpu');
    expect(manifest.peerDependenciesMeta).toEqual({ '@tensorflow/tfjs-node-gpu': { optional: true } });
    const { dependencies } = json(join(builtFolder, 'worker-packages', 'package.json')) as Manifest;
    expect(Object.keys(dependencies)).toEqual(expect.arrayContaining(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-backend-wasm', '@temporalio/worker', 'tokenizers']));
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('by set-up: every package with its digest from the lock file', () => {
    const { packages: whole } = json(join(packageRoot, 'package-lock.json')) as Lock;
    const { packages: part } = json(join(builtFolder, 'worker-packages', 'package-lock.json')) as Lock;
    const entries = Object.entries(part).filter(([place]) => place !== '');
    expect(entries.length).toBeGreaterThan(100);
    for (const [place, { version, integrity, dev }] of entries) {
      expect({ place, version, integrity }).toEqual({ place, version: whole[place].version, integrity: whole[place].integrity });
      expect(integrity).toMatch(/^sha512-/);
      expect(dev).toBeUndefined();
    }
    // The dependencies of each package are there too: in its own folder, or in one above.
    const found = (place: string, name: string): boolean => `${place}/node_modules/${name}` in part || (place !== '' && found(place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/'))), name)) || `node_modules/${name}` in part;
    for (const [place, { dependencies = {} }] of entries) for (const name of Object.keys(dependencies)) expect({ place, name, found: found(place, name) }).toEqual({ place, name, found: true });
  });

  it('in a clone: everything by npm ci, with install scripts disabled in .npmrc', () => {
    expect(manifest.devDependencies).toHaveProperty('@tensorflow/tfjs-node-gpu');
    expect(readFileSync(join(packageRoot, '.npmrc'), 'utf8')).toContain('ignore-scripts=true');
    expect(existsSync(join(packageRoot, 'node_modules', '@tensorflow', 'tfjs-node-gpu', 'package.json'))).toBe(true);
  });
});
