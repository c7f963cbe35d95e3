/**
 * Checks metrics, alerts and dashboard with a real Prometheus. It scrapes a real worker, with tools/deploy/prometheus.yml, during runs that
 * succeed, fail, miss a gate and lose their compute process. Then the check asks it for each metric, dashboard query and alert.
 *
 *   node tools/prometheus/check.mjs --prometheus BINARY [--promtool BINARY] [--write]
 *
 * Build both with Go: `go install github.com/prometheus/prometheus/cmd/prometheus@v0.316.0`, and `.../cmd/promtool@v0.316.0`. With promtool,
 * the alerts are also tested over simulated hours (alerts-test.yml in this folder). `--write` updates `test/golden/prometheus/`, which tests
 * compare with in a clone without Prometheus. The exit code is 0 if there are no problems.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { build } from '../build.mjs';
import { builtFolder, packageRoot } from '../setup/paths.mjs';

const { values: { prometheus: binary, promtool, write } } = parseArgs({ options: { prometheus: { type: 'string', default: 'prometheus' }, promtool: { type: 'string' }, write: { type: 'boolean', default: false } } });
const deploy = join(packageRoot, 'tools', 'deploy');
const demo = join(packageRoot, 'pipelines', 'demo');
const folder = mkdtempSync(join(tmpdir(), 'check-prometheus-'));
const state = join(folder, 'state');
const program = join(packageRoot, 'app', 'cli', 'bin', 'temporal-pipeline.mjs');
/** Milliseconds between two scrapes, and the time limit for each wait. */
const scrape = 1000;
const patience = 300_000;

const read = (...names) => readFileSync(join(deploy, ...names), 'utf8');
const queries = JSON.parse(read('grafana', 'dashboards', 'llm-barber.json')).panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
const alerts = parse(read('alerts.yml')).groups.flatMap(({ rules }) => rules);
const told = [...new Set(readFileSync(join(packageRoot, 'docs', 'operate.md'), 'utf8').match(/llm_barber_\w+/g))].sort();

async function until(what, holds) {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
    const found = await holds();
    if (found) return found;
  }
  throw new Error(`waited in vain: ${what}`);
}

function pipeline(name, { model = join(demo, 'model'), gates = [], stages = [] }) {
  const file = join(folder, `${name}.yaml`);
  const text = { dataset: { file: join(demo, 'heldout.txt') }, maxWindows: 2, sequenceLength: 64 };
  const calibration = { dataset: { file: join(demo, 'calibration.txt') }, samples: 32, sequenceLength: 64 };
  writeFileSync(file, stringify({ version: 1, name, model: { source: model }, stages: [{ calibration }, { initialMask: { method: 'wanda', sparsity: 0.5 } }, ...stages, { evaluation: { states: ['initial'], perplexity: [text] } }], ...(gates.length > 0 && { gates }) }));
  return file;
}

/** Runs a pipeline on the worker, and checks its exit code. */
async function run(file, expected, meanwhile = async () => undefined) {
  const child = spawn(process.execPath, [program, 'run', file, '--state', state, '--json'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  await meanwhile(child);
  const code = await ended;
  if (code !== expected) throw new Error(`${file}: exit code ${code}, expected ${expected}`);
}

const childrenOf = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter((id) => id !== ''));

async function main() {
  await build();
  const { freePort } = await import(pathToFileURL(join(builtFolder, 'app', 'cli', 'local', 'ports.js')).href);
  if (promtool !== undefined) for (const words of [['check', 'config', join(deploy, 'prometheus.yml')], ['test', 'rules', join(import.meta.dirname, 'alerts-test.yml')]]) process.stdout.write(execFileSync(promtool, words, { encoding: 'utf8' }));
  const [metrics, web] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  // The file's targets are the workers of the compose file. Here the target is this worker, and scrapes are more frequent.
  const config = parse(read('prometheus.yml'));
  config.global.scrape_interval = config.global.evaluation_interval = `${scrape}ms`;
  config.rule_files = config.rule_files.map((name) => join(deploy, name));
  config.scrape_configs[0].static_configs = [{ targets: [metrics] }];
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config));

  const processes = [];
  const start = (name, command, words) => {
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
    child.once('error', (error) => { said += error.message; });
    child.once('exit', (code) => { if (code !== 0) console.error(`${name} ended with ${code}: ${said.slice(-2000)}`); });
    const ended = new Promise((resolve) => { child.once('close', resolve); });
    processes.push({ child, ended });
    return { pid: child.pid, said: () => said, isGone: () => child.exitCode !== null };
  };
  try {
    const worker = start('worker', process.execPath, [program, 'worker', '--state', state, '--metrics', metrics]);
    start('prometheus', binary, [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'tsdb')}`, `--web.listen-address=${web}`, '--log.level=error']);
    await until('the worker serves', () => worker.said().includes('Serving') || (worker.isGone() && Promise.reject(new Error(worker.said()))));
    const ask = async (path) => {
      const answer = await (await fetch(`http://${web}/api/v1/${path}`)).json();
      if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
      return answer.data;
    };
    const query = async (expr) => (await ask(`query?query=${encodeURIComponent(expr)}`)).result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    await until('Prometheus scrapes the worker', async () => (await query('up{job="llm-barber"} == 1').catch(() => [])).length === 1);

    await run(pipeline('good', { stages: [{ rebuild: { strategy: 'best', effort: 30 } }], gates: ['sparsity >= 0.4'] }), 0, async () => {
      // If the process is lost between two units of work, no unit fails. So it is killed repeatedly until a unit has failed.
      await until('a unit is tried again', async () => {
        if ((await query('sum(llm_barber_retries_total)'))[0]?.value > 0) return true;
        if ((await query('sum(llm_barber_units_total{task="makeInitialMask",outcome="made"})'))[0]?.value > 0) {
          for (const id of childrenOf(worker.pid)) if (readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('compute')) process.kill(Number(id), 'SIGKILL');
          await sleep(2 * scrape);
        }
        return false;
      });
    });
    await run(pipeline('strict', { gates: ['sparsity >= 0.9'] }), 3);
    // On the same machine, commands check the files before a run starts. With a server elsewhere they cannot, so the run itself fails.
    const [, taskQueue, address] = /Serving task queue (\S+) on (\S+)/.exec(worker.said());
    execFileSync(process.execPath, [program, 'start', pipeline('broken', { model: join(folder, 'no-such-model') }), '--task-queue', taskQueue, '--state', state], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, TEMPORAL_ADDRESS: address } });
    await until('a run has failed', async () => (await query('llm_barber_runs_total{status="failed"}'))[0]?.value === 1);
    await sleep(3 * scrape);

    const problems = [];
    const [target] = (await ask('targets')).activeTargets;
    console.log(`Prometheus scraped ${target.scrapeUrl}: ${target.health}, ${(await query('scrape_samples_scraped{job="llm-barber"}'))[0].value} samples`);
    const metadata = await ask('targets/metadata?match_target={job="llm-barber"}');
    const types = Object.fromEntries(metadata.map(({ metric, type }) => [metric, type]));
    const series = await ask(`series?match[]=${encodeURIComponent('{__name__=~"llm_barber_.+"}')}`);
    const served = {};
    for (const { __name__: full, ...labels } of series) {
      const name = full in types ? full : full.replace(/_(bucket|sum|count)$/, '');
      const known = (served[name] ??= { type: types[name] ?? 'unknown', labels: {} }).labels;
      for (const [label, value] of Object.entries(labels)) if (!['job', 'instance', 'le'].includes(label)) known[label] = [...new Set([...(known[label] ?? []), value])].sort();
    }
    for (const name of told) if (!(name in served)) problems.push(`${name}: documented, and not served`);
    for (const name of Object.keys(served)) if (!told.includes(name)) problems.push(`${name}: served, and not documented`);
    const show = (values) => values.map(({ metric: { __name__: _, instance, job, service_name, ...labels }, value }) => `${Object.values(labels).join(' ') || 'all'} ${Number(value.toPrecision(4))}`).join(', ');
    for (const { title, expr } of queries) {
      const values = await query(expr);
      const good = values.filter(({ value }) => Number.isFinite(value));
      if (good.length === 0) problems.push(`${title}: no answer to ${expr}`);
      console.log(`${title}: ${show(good.filter(({ value }) => value !== 0)) || (good.length > 0 ? 0 : 'NOTHING')}`);
    }
    const rules = (await ask('rules')).groups.flatMap((group) => group.rules);
    for (const { alert } of alerts) {
      const rule = rules.find(({ name }) => name === alert);
      if (rule?.health !== 'ok') problems.push(`alert ${alert}: ${rule?.lastError ?? 'Prometheus does not have it'}`);
      // Only alerts for what happened here may fire.
      const expected = ['RunFailed', 'GateFailed'].includes(alert) ? 'firing' : 'inactive';
      if (rule?.state !== expected) problems.push(`alert ${alert}: ${rule?.state}, expected ${expected}`);
      console.log(`alert ${alert}: ${rule?.health}, ${rule?.state}`);
    }
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) process.exitCode = 1;
    if (write) {
      const sorted = Object.fromEntries(Object.entries(served).sort(([a], [b]) => (a < b ? -1 : 1)));
      writeFileSync(join(packageRoot, 'test', 'golden', 'prometheus', 'served.json'), `${JSON.stringify(sorted, null, 2)}\n`);
    }
  } finally {
    for (const { child } of processes) child.kill('SIGTERM');
    await Promise.all(processes.map(({ ended }) => ended));
  }
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
