import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtFolder, programPath } from '#setup/paths.mjs';

/** What the bundler recorded about its files (tools/bundle-programs.mjs). */
interface Contents {
  outputs: Record<string, { entryPoint?: string; imports: { path: string; kind: string; external?: boolean }[]; inputs: Record<string, unknown> }>;
}

const listing = path.join(builtFolder, 'programs', 'contents.json');
const { outputs } = existsSync(listing) ? (JSON.parse(readFileSync(listing, 'utf8')) as Contents) : { outputs: {} };

/** Returns the packages that a program loads before the given sources run: bundled ones, and those read from node_modules. */
function packagesOf(entryPoints: readonly string[]): string[] {
  const waiting = Object.keys(outputs).filter((file) => entryPoints.includes(outputs[file].entryPoint ?? ''));
  expect(waiting).toHaveLength(entryPoints.length);
  const files = new Set<string>();
  const packages = new Set<string>();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const source of Object.keys(outputs[file].inputs)) {
      packages.add(/^(?:node_modules\/|set-up:|own:)((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? '');
      if (source === 'science/engine/tensorflow.ts') packages.add('@tensorflow/tfjs');
    }
    for (const needed of outputs[file].imports) {
      // Other imports are loaded only when the code that needs them runs.
      if (needed.kind !== 'import-statement') continue;
      if (needed.external) packages.add(needed.path.replace(/^((?:@[^/]+\/)?[^/]+).*/, '$1'));
      else waiting.push(needed.path);
    }
  }
  return [...packages].filter((name) => name !== '' && !name.startsWith('node:') && name !== '#setup').sort();
}

describe('the packages that programs load', () => {
  it('temporal-pipeline: its command line for --version and --help, and no command', () => {
    expect(packagesOf(['app/cli/main.ts'])).toEqual(['commander']);
  });

  it('temporal: nothing before it calls the real CLI', () => {
    expect(packagesOf(['app/cli/temporal.ts'])).toEqual([]);
  });

  it('help of `temporal workflow start`: no command', () => {
    expect(packagesOf(['app/cli/temporal.ts', 'app/cli/temporal-workflow-start.ts'])).toEqual(['commander']);
  });

  it('validate: only what reads and checks a file', () => {
    expect(packagesOf(['app/cli/main.ts', 'app/cli/commands/validate.ts'])).toEqual(['ajv', 'commander', 'fast-deep-equal', 'yaml']);
    // The build compiles the schemas. The rest of Ajv only counts characters and compares values.
    const ajv = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((source) => source.startsWith('node_modules/ajv/')));
    expect(ajv.filter((source) => !source.startsWith('node_modules/ajv/dist/runtime/'))).toEqual([]);
  });

  it('mask and store: not Temporal', () => {
    for (const command of ['mask-verify', 'mask-info', 'mask-diff', 'mask-apply', 'mask-compose', 'store-list', 'store-verify']) {
      expect(packagesOf(['app/cli/main.ts', `app/cli/commands/${command}.ts`]).filter((name) => name.startsWith('@temporalio/'))).toEqual([]);
    }
  });

  it('all commands: charts, the S3 client, the worker and TensorFlow only on demand', () => {
    const commands = Object.values(outputs).flatMap(({ entryPoint = '' }) => (entryPoint.startsWith('app/cli/commands/') ? [entryPoint] : []));
    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands) {
      const large = packagesOf(['app/cli/main.ts', command]).filter((name) => /^(echarts|zrender|@tensorflow\/.*|@aws-sdk\/.*|@temporalio\/worker)$/.test(name));
      expect({ command, large }).toEqual({ command, large: [] });
    }
    expect(packagesOf(['worker.ts'])).toEqual(expect.arrayContaining(['@temporalio/worker', 'echarts']));
    expect(packagesOf(['app/cli/plan/show-plan.ts'])).toContain('@tensorflow/tfjs');
  });

  it('every program exists', () => {
    for (const name of ['api', 'temporal-pipeline', 'temporal', 'compute', 'probe-engine', 'measure'] as const) expect(existsSync(programPath(name))).toBe(true);
  });
});
