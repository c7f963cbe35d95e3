/**
 * Tries the npm package as a new user would: packs this clone, installs the tarball in an empty folder with npm's default settings,
 * and runs the demo there. Run it with `node tools/try-package.mjs`. `--node 22,24` adds other versions of Node (from the npm package
 * `node`), and `--fresh` runs set-up from scratch (600 MB, and a Temporal CLI). Exits with code 0 if all is well.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { step } from './setup/console.mjs';
import { findTemporal, packageRoot } from './setup/paths.mjs';

/** Maximum size of what npm installs before set-up, in MB. */
const allowed = 200;

const { values: { node: versions, fresh } } = parseArgs({ options: { node: { type: 'string', default: '' }, fresh: { type: 'boolean', default: false } } });
const folder = mkdtempSync(join(tmpdir(), 'try-package-'));
const project = join(folder, 'project');
const installed = join(project, 'node_modules');

/** Returns an environment with npm's default settings, and with `--fresh` without set-up. */
function environment() {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|LLM_BARBER_STATE)/i.test(name)));
  const empty = join(folder, 'npmrc');
  writeFileSync(empty, '');
  // An existing Temporal CLI saves set-up from building one with Go, which takes minutes.
  const temporal = findTemporal();
  const path = temporal === undefined ? own.PATH : `${dirname(temporal)}${delimiter}${own.PATH}`;
  return { ...own, PATH: path, npm_config_userconfig: empty, ...(fresh && { LLM_BARBER_CACHE: join(folder, 'cache') }) };
}

function run(program, words, cwd = project) {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, env: environment(), encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${[program, ...words].join(' ')}: exit code ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

function install() {
  mkdirSync(project);
  // `npm run pack` also builds.
  run('npm', ['run', 'pack', '--', '--pack-destination', folder], packageRoot);
  run('npm', ['install', join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')))]);
  if (existsSync(join(installed, '@tensorflow'))) throw new Error('npm installed @tensorflow');
  const megabytes = Number(execFileSync('du', ['-sm', installed], { encoding: 'utf8' }).split('\t')[0]);
  if (megabytes > allowed) throw new Error(`${megabytes} MB are installed, ${allowed} MB allowed`);
  return `${megabytes} MB`;
}

/** Installs another version of Node from npm. Returns its path. */
function nodeOf(version) {
  const place = join(folder, `node-${version}`);
  mkdirSync(place);
  run('npm', ['install', `node@${version}`], place);
  return join(place, 'node_modules', 'node', 'bin', 'node');
}

function demo(node) {
  const program = join(installed, 'llm-barber-pipeline', 'app', 'cli', 'bin', 'temporal-pipeline.mjs');
  const words = ['demo', '--state', join(folder, `state-${node.replaceAll(/\W/g, '-').slice(-40)}`), '--json'];
  const { perplexity, engine } = JSON.parse(run(node, [program, ...words]));
  run(node, ['--input-type=module', '-e', `import { loadPipeline } from 'llm-barber-pipeline'; loadPipeline('node_modules/llm-barber-pipeline/pipelines/demo.yaml', [], { files: true });`]);
  return `rebuilt perplexity ${perplexity.rebuilt['heldout.txt'].toFixed(4)}, ${engine.backend}, Node ${run(node, ['-p', 'process.versions.node']).trim()}`;
}

try {
  await step('build, pack and install', install);
  await step('npx', () => run('npx', ['llm-barber-pipeline', '--version']).trim());
  await step('demo', () => demo(process.execPath));
  for (const version of versions.split(',').filter((word) => word !== '')) await step(`demo on Node ${version}`, () => demo(nodeOf(version)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
