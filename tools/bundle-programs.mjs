/**
 * Bundles the programs of this package into `dist/programs/`: a few files each instead of hundreds, so that they start quickly and
 * need few file handles. Dynamically imported modules, such as the commands, stay separate files that are read when needed.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtFolder, packageRoot } from './setup/paths.mjs';

/** Programs by name, with the entry point of each. */
const programs = {
  'temporal-pipeline': 'app/cli/main.ts',
  temporal: 'app/cli/temporal.ts',
  // The module that `import 'llm-barber-pipeline'` loads.
  api: 'app/api/index.ts',
  compute: 'activities/compute/child.ts',
  'write-thread': 'files/artifacts/write-thread.ts',
  'probe-engine': 'app/cli/doctor/probe-engine.ts',
  measure: 'app/cli/plan/measure-program.ts',
};

/** CommonJS packages load Node's built-in modules with `require`. */
const banner = `import { createRequire as bundledRequire } from 'node:module';
import { requirePackage as packageOfSetUp } from '#setup/paths.mjs';
const require = bundledRequire(import.meta.url);`;

const folder = join(builtFolder, 'programs');
/** esbuild's metafile: the sources of each file, and which file imports which (`test/tools/programs.test.ts`). */
const listing = join(folder, 'contents.json');

export const programsAreBundled = () => existsSync(listing);

/** The prefix of a package from set-up in the listing: `set-up:@temporalio/worker`. */
const setUpNamespace = 'set-up';
const ownNamespace = 'own';

/** Replaces app/config/validators.ts, which compiles validators at every start, with compiled validators. */
const compiledValidators = {
  name: 'compiled validators',
  setup: ({ onLoad }) => onLoad({ filter: /[\\/]config[\\/]validators\.ts$/ }, async () => ({ contents: await validators(), resolveDir: packageRoot })),
};

async function validators() {
  const { default: sourceOf } = await import('ajv/dist/standalone/index.js');
  // The schema compiler with all its settings, as just built.
  const built = (name) => import(pathToFileURL(join(builtFolder, 'app', 'config', name)).href);
  const { fileKinds, schemaCompiler } = await built('validators.js');
  const { searchRequestSchema, sweepRequestSchema } = await built('sweep-request-schema.js');
  const compiler = schemaCompiler({ source: true, esm: true });
  for (const kind of fileKinds) compiler.addSchema(JSON.parse(readFileSync(join(packageRoot, 'schemas', `${kind}.schema.json`), 'utf8')), kind);
  compiler.addSchema(sweepRequestSchema, 'request');
  compiler.addSchema(searchRequestSchema, 'searchRequest');
  const kinds = [...fileKinds, 'request', 'searchRequest'];
  const source = sourceOf(compiler, Object.fromEntries(kinds.map((kind) => [kind, kind])));
  return `${source}\nconst compiled = { ${kinds.join(', ')} };\nexport const validatorOf = (kind) => compiled[kind];\n`;
}

/**
 * Temporal's packages are in the cache, with everything else that only workers need (tools/setup/worker-packages.mjs). The packages of
 * clients are also in node_modules. A process must load all of them from one place.
 */
const fromSetUp = {
  name: 'packages from set-up',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@temporalio\// }, ({ path }) => ({ path, namespace: setUpNamespace }));
    // In Node 20, `import` of this package may give an empty object if other packages were required in the meantime.
    onResolve({ filter: /^winston$/ }, ({ path, namespace }) => (namespace === ownNamespace ? { path, external: true } : { path, namespace: ownNamespace }));
    onLoad({ filter: /.*/, namespace: ownNamespace }, ({ path }) => ({ contents: `module.exports = require(${JSON.stringify(path)});`, resolveDir: packageRoot }));
    onLoad({ filter: /.*/, namespace: setUpNamespace }, ({ path }) => ({ contents: `module.exports = packageOfSetUp(${JSON.stringify(path)});` }));
  },
};

/** @throws if a source cannot be bundled */
export async function bundlePrograms() {
  // Loaded here, because set-up imports this file before the packages are there.
  const { build } = await import('esbuild');
  const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  const { metafile } = await build({
    absWorkingDir: packageRoot,
    entryPoints: programs,
    outdir: folder,
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Histories and messages identify an error by the name of its class. Without this, one of two classes with the same name is renamed.
    keepNames: true,
    plugins: [compiledValidators, fromSetUp],
    sourcemap: true,
    metafile: true,
    logLevel: 'silent',
    external: ['#setup/*', ...Object.keys(dependencies)],
    banner: { js: banner },
  });
  writeFileSync(listing, JSON.stringify(metafile));
  removeOld();
  keepOutOfPackage(Object.keys(metafile.outputs).map((file) => basename(file)));
}

/** Keeps files of earlier builds out of the npm package. */
function keepOutOfPackage(current) {
  const old = readdirSync(folder).filter((name) => name.endsWith('.js') && !current.includes(name));
  writeFileSync(join(folder, '.npmignore'), old.map((name) => `/${name}\n`).join(''));
}

/** Removes files of earlier builds after a month. Until then, programs that were started before this build may still read them. */
function removeOld() {
  const oldest = Date.now() - 30 * 24 * 3600 * 1000;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (statSync(file).mtimeMs < oldest) rmSync(file, { recursive: true });
  }
}
