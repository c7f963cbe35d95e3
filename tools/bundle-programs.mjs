/**
 * Bundles the programs of this package into `dist/programs/`: a few files each instead of hundreds, so that they start at once
 * and need few file handles. What is imported dynamically, as every command is, stays a file of its own that is read when it is needed.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtFolder, packageRoot } from './setup/places.mjs';

/** Programs by name, and the source that each begins with. */
const programs = {
  'temporal-pipeline': 'app/cli/main.ts',
  temporal: 'app/cli/temporal.ts',
  // What `import 'llm-barber-pipeline'` gives.
  api: 'app/api/index.ts',
  compute: 'activities/compute/child.ts',
  'write-thread': 'files/artifacts/write-thread.ts',
  'probe-engine': 'app/cli/doctor/probe-engine.ts',
  measure: 'app/cli/plan/measure-program.ts',
};

/** Packages in CommonJS ask for Node's own modules with `require`. */
const banner = `import { createRequire as bundledRequire } from 'node:module';
import { requirePackage as packageOfSetUp } from '#setup/places.mjs';
const require = bundledRequire(import.meta.url);`;

const folder = join(builtFolder, 'programs');
/** What esbuild says about the files: which sources went where, and which file needs which (`test/tools/programs.test.ts`). */
const listing = join(folder, 'contents.json');

export const programsAreBundled = () => existsSync(listing);

/** What such a package is called in the listing: `set-up:@temporalio/worker`. */
const setUpNamespace = 'set-up';
const ownNamespace = 'own';

/** Puts validators that are compiled already in place of app/config/validators.ts, which compiles them whenever a program starts. */
const compiledValidators = {
  name: 'compiled validators',
  setup: ({ onLoad }) => onLoad({ filter: /[\\/]config[\\/]validators\.ts$/ }, async () => ({ contents: await validators(), resolveDir: packageRoot })),
};

async function validators() {
  const { default: sourceOf } = await import('ajv/dist/standalone/index.js');
  // The compiler with all its settings, as it was compiled a moment ago.
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
 * Temporal's packages are in the cache with what else only workers need (tools/setup/worker-packages.mjs), those of clients in
 * node_modules, too. A process takes all of them from one place.
 */
const fromSetUp = {
  name: 'packages from set-up',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@temporalio\// }, ({ path }) => ({ path, namespace: setUpNamespace }));
    // Where Node 20 has required other packages meanwhile, its `import` of this one may give an empty object.
    onResolve({ filter: /^winston$/ }, ({ path, namespace }) => (namespace === ownNamespace ? { path, external: true } : { path, namespace: ownNamespace }));
    onLoad({ filter: /.*/, namespace: ownNamespace }, ({ path }) => ({ contents: `module.exports = require(${JSON.stringify(path)});`, resolveDir: packageRoot }));
    onLoad({ filter: /.*/, namespace: setUpNamespace }, ({ path }) => ({ contents: `module.exports = packageOfSetUp(${JSON.stringify(path)});` }));
  },
};

/** @throws where a source cannot be bundled */
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
    // An error is known by its class's name, in histories and messages; a bundler renames one of two classes that are called the same.
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

/** Parts of earlier builds are not for the npm package. */
function keepOutOfPackage(current) {
  const old = readdirSync(folder).filter((name) => name.endsWith('.js') && !current.includes(name));
  writeFileSync(join(folder, '.npmignore'), old.map((name) => `/${name}\n`).join(''));
}

/** A program that has run since before this build may still read a part of an earlier one, so those stay for a month. */
function removeOld() {
  const oldest = Date.now() - 30 * 24 * 3600 * 1000;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (statSync(file).mtimeMs < oldest) rmSync(file, { recursive: true });
  }
}
