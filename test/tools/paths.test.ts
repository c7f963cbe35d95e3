import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cachedTemporal, cacheFolder, findTemporal, packageRoot } from '#setup/paths.mjs';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'llm-barber-places-'))));
afterEach(() => rmSync(home, { recursive: true }));

function program(path: string, text = '\u007fELF real'): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

function link(path: string, target: string): string {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
  return path;
}

/** An environment whose PATH contains the folders of these programs, and whose cache is below `home`. */
function environment(...programs: string[]): Record<string, string> {
  return { PATH: programs.map(dirname).join(':'), LLM_BARBER_CACHE: join(home, 'cache') };
}

describe('cache folder', () => {
  test('comes from its own variable, then XDG, then the home folder', () => {
    expect(cacheFolder({ LLM_BARBER_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
    expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/llm-barber');
    expect(cacheFolder({})).toMatch(/\/\.cache\/llm-barber$/);
  });
});

describe('the real Temporal CLI', () => {
  test('is the first on the PATH', () => {
    const programs = [program(join(home, 'one', 'temporal')), program(join(home, 'two', 'temporal'))];
    expect(findTemporal(environment(...programs))).toBe(programs[0]);
  });

  test('is never our own command, however it got onto the PATH', () => {
    const ours = join(packageRoot, 'app', 'cli', 'bin', 'temporal.mjs');
    const shims = [
      program(join(home, 'project', 'node_modules', '.bin', 'temporal')),
      link(join(home, 'global', 'temporal'), program(join(home, 'lib', 'llm-barber-pipeline', 'cli', 'bin', 'temporal.mjs'))),
      program(join(home, 'pnpm', 'temporal'), `#!/bin/sh\nexec node ${ours} "$@"\n`),
    ];
    expect(findTemporal(environment(...shims))).toBeUndefined();
    const real = program(join(home, 'real', 'temporal'));
    expect(findTemporal(environment(...shims, real))).toBe(real);
  });

  test('may be a version manager’s wrapper', () => {
    const wrapper = program(join(home, 'shims', 'temporal'), '#!/bin/sh\nexec mise exec temporal "$@"\n');
    expect(findTemporal(environment(wrapper))).toBe(wrapper);
  });

  test('comes from the cache if the PATH has none', () => {
    const unusable = join(home, 'notes', 'temporal');
    mkdirSync(dirname(unusable));
    writeFileSync(unusable, 'a file that cannot be run');
    const env = environment(unusable);
    expect(findTemporal(env)).toBeUndefined();
    program(cachedTemporal(env));
    expect(findTemporal(env)).toBe(cachedTemporal(env));
  });
});
