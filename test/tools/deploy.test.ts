/** The files in tools/deploy are valid for the programs that read them, and their commands run here, outside a container. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { program } from '../../app/cli/main.js';
import { freePort } from '../../app/cli/local/ports.js';
import { onPath } from '#setup/paths.mjs';
import { where } from '../helpers/needs.js';
import { servedMetrics } from '../helpers/served-metrics.js';
import { ownNamespace } from '../helpers/shared-server.js';
import { startWorker } from '../app/cli/run-program.js';

const folder = 'tools/deploy';
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'deploy-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Returns the invalid words of a command line of `temporal-pipeline`. */
function wrongWords([name, ...words]: string[]): string[] {
  const command = program(() => undefined).commands.find((known) => known.name() === name);
  const known = [...(command?.options ?? []), ...program(() => undefined).options].map(({ long }) => long);
  return command === undefined ? [name] : words.filter((word) => word.startsWith('--') && !known.includes(word));
}

/** Sources and documents of this program, which mention the variables that it reads. */
const sources = ['app', 'activities', 'files', 'tools/setup', 'errors'].flatMap((root) => (readdirSync(root, { recursive: true, encoding: 'utf8' })).filter((name) => /\.(ts|mjs)$/.test(name)).map((name) => readFileSync(join(root, name), 'utf8'))).join('\n');
const isRead = (variable: string): boolean => sources.includes(variable) || /^(AWS|TEMPORAL|CUDA)_/.test(variable);

interface Instruction {
  name: string;
  rest: string;
}
const dockerfile: Instruction[] = read('Dockerfile').replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, ' ').split('\n').filter((line) => line.trim() !== '')
  .map((line) => ({ name: line.split(' ')[0], rest: line.slice(line.indexOf(' ') + 1) }));
const instruction = (name: string): string => dockerfile.findLast((one) => one.name === name)?.rest ?? '';
const json = (text: string): string[] => JSON.parse(text.slice(text.indexOf('['))) as string[];
const imageEnv = Object.fromEntries([...dockerfile.filter(({ name }) => name === 'ENV').at(-1)!.rest.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value]));

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: string[];
}
const compose = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service>; volumes: Record<string, null> };

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
}
interface Container {
  args: string[];
  envFrom: ({ configMapRef: { name: string } } | { secretRef: { name: string } })[];
  ports: { name: string; containerPort: number }[];
  volumeMounts: { name: string }[];
  startupProbe: Probe; livenessProbe: Probe; readinessProbe: Probe;
}
interface Probe {
  httpGet: { path: string; port: string };
}
interface Deployment extends Manifest {
  spec: { selector: { matchLabels: object }; template: { metadata: { labels: object }; spec: { containers: Container[]; volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[]; terminationGracePeriodSeconds: number } } };
}
const manifests = readdirSync(join(folder, 'kubernetes')).flatMap((name) => parseAllDocuments(read(`kubernetes/${name}`)).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJS() as Manifest;
}));
const ofKind = <T extends Manifest>(kind: string): T => manifests.find((manifest) => manifest.kind === kind) as T;

describe('Dockerfile', () => {
  it('has only known instructions, and images with a fixed version', () => {
    const known = ['FROM', 'RUN', 'ENV', 'WORKDIR', 'COPY', 'USER', 'VOLUME', 'EXPOSE', 'HEALTHCHECK', 'STOPSIGNAL', 'ENTRYPOINT', 'CMD'];
    expect(dockerfile.filter(({ name }) => !known.includes(name))).toEqual([]);
    for (const { rest } of dockerfile.filter(({ name }) => name === 'FROM')) expect(rest).toMatch(/^[\w./-]+:\d[\w.-]*( AS \w+)?$/);
    // `--from` may only use names of stages.
    for (const [, stage] of read('Dockerfile').matchAll(/--from=(\w+)/g)) expect(read('Dockerfile')).toMatch(new RegExp(`^FROM .* AS ${stage}$`, 'm'));
  });

  it('starts an existing program with known options and variables, and not as root', () => {
    const [node, file] = json(instruction('ENTRYPOINT'));
    expect([node, existsSync(file.replace('/opt/llm-barber/', ''))]).toEqual(['node', true]);
    expect(wrongWords(json(instruction('CMD')))).toEqual([]);
    expect(Object.keys(imageEnv).filter((name) => !isRead(name))).toEqual([]);
    expect(instruction('USER')).toBe('node');
  });
});

describe('compose.yaml', () => {
  it('names existing volumes, services and files, has images with a fixed version, and opens ports on loopback only', () => {
    for (const [name, { image, volumes = [], ports = [], depends_on: others = [], build }] of Object.entries(compose.services)) {
      expect(image, name).toMatch(/:(v?\d[\w.-]*|local)$/);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      for (const other of others) expect(Object.keys(compose.services)).toContain(other);
      for (const volume of volumes) {
        const [from] = volume.replace(/^\$\{[^}]*\}/, './').split(':');
        expect(from.startsWith('.') ? existsSync(join(folder, from)) : Object.hasOwn(compose.volumes, from), volume).toBe(true);
      }
      if (build !== undefined) expect(existsSync(join(folder, build.context, build.dockerfile))).toBe(true);
    }
    expect(wrongWords(compose.services['worker'].command ?? [])).toEqual([]);
    expect(Object.keys(compose.services['worker'].environment ?? {}).filter((name) => !isRead(name))).toEqual([]);
  });

  it('lets Prometheus find its rules and the workers, and Grafana its dashboard', () => {
    const prometheus = parse(read('prometheus.yml')) as { rule_files: string[]; scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[] };
    for (const file of prometheus.rule_files) expect(existsSync(join(folder, file))).toBe(true);
    const [{ names, port }] = prometheus.scrape_configs[0].dns_sd_configs;
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(names));
    expect(imageEnv['LLM_BARBER_METRICS']).toBe(`0.0.0.0:${port}`);
    const source = parse(read('grafana/provisioning/datasources/prometheus.yaml')) as { datasources: { uid: string; url: string }[] };
    expect(source.datasources[0].url).toBe('http://prometheus:9090');
    const dashboard = JSON.parse(read('grafana/dashboards/llm-barber.json')) as { panels: { id: number; gridPos: { x: number; w: number }; datasource: { uid: string }; targets: { expr: string; refId: string }[] }[] };
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { datasource, gridPos, targets } of dashboard.panels) {
      expect(datasource.uid).toBe(source.datasources[0].uid);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (const { expr } of targets) expect([...expr].filter((sign) => sign === '(').length).toBe([...expr].filter((sign) => sign === ')').length);
    }
  });

  it('lets Grafana and alerts ask only for metrics and labels that a worker serves', () => {
    const dashboard = JSON.parse(read('grafana/dashboards/llm-barber.json')) as { panels: { targets: { expr: string }[] }[] };
    const alerts = parse(read('alerts.yml')) as { groups: { rules: { expr: string }[] }[] };
    const queries = [...dashboard.panels.flatMap(({ targets }) => targets), ...alerts.groups.flatMap(({ rules }) => rules)].map(({ expr }) => expr);
    const asked = queries.flatMap((expr) => [...expr.matchAll(/(llm_barber_\w+?)(?:_bucket)?\b(?:\{(\w+)="([^"]*)"\})?/g)]);
    expect(asked.length).toBeGreaterThan(10);
    for (const [text, name, label, value] of asked) {
      expect(Object.keys(servedMetrics)).toContain(name);
      if (label !== undefined) expect(servedMetrics[name].labels[label], text).toContain(value);
    }
    const grouped = queries.flatMap((expr) => [...expr.matchAll(/\bby \(([^)]*)\)[^_]*(llm_barber_\w+?)(?:_bucket)?\b/g)]);
    expect(grouped.length).toBeGreaterThan(5);
    for (const [text, labels, name] of grouped) for (const label of labels.split(', ')) expect(['le', 'instance', ...Object.keys(servedMetrics[name].labels)], text).toContain(label);
  });

  it('gives each panel what the types of Grafana 12 ask for', () => {
    const dashboard = JSON.parse(read('grafana/dashboards/llm-barber.json')) as { panels: { title: string; type: string; options: Record<string, Record<string, unknown>> }[] };
    // By grafana-foundation-sdk 0.0.22; tools/grafana asks it again.
    const needed: Record<string, string[]> = {
      stat: ['reduceOptions.calcs', 'graphMode', 'colorMode', 'justifyMode', 'textMode', 'wideLayout', 'showPercentChange', 'percentChangeColorMode', 'orientation'],
      timeseries: ['legend.showLegend', 'legend.calcs', 'legend.displayMode', 'legend.placement', 'tooltip.mode', 'tooltip.sort'],
    };
    for (const { title, type, options } of dashboard.panels) {
      const given = Object.entries(options).flatMap(([name, value]) => (typeof value === 'object' ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name]));
      expect(given, title).toEqual(expect.arrayContaining(needed[type]));
    }
  });

  it('has alerts that point to sections of the runbook', () => {
    const page = readFileSync('docs/operate.md', 'utf8');
    for (const [, section] of read('alerts.yml').matchAll(/docs\/operate\.md, ([^."]+)\./g)) expect(page).toContain(`\n### ${section}\n`);
  });
});

describe('kubernetes', () => {
  it('has objects of known kinds that refer to each other', () => {
    const kinds: Record<string, string> = { Deployment: 'apps/v1', ConfigMap: 'v1', Secret: 'v1', PersistentVolumeClaim: 'v1', PodMonitor: 'monitoring.coreos.com/v1' };
    for (const { apiVersion, kind, metadata } of manifests) {
      expect(kinds[kind], kind).toBe(apiVersion);
      expect(metadata.name).toMatch(/^[a-z][a-z0-9-]*$/);
    }
    const { spec } = ofKind<Deployment>('Deployment');
    const [worker] = spec.template.spec.containers;
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
    for (const source of worker.envFrom) {
      const [kind, name] = 'secretRef' in source ? ['Secret', source.secretRef.name] : ['ConfigMap', source.configMapRef.name];
      expect(manifests.some((manifest) => manifest.kind === kind && manifest.metadata.name === name)).toBe(true);
    }
    const volumes = spec.template.spec.volumes;
    for (const { name } of worker.volumeMounts) expect(volumes.map((volume) => volume.name)).toContain(name);
    for (const { persistentVolumeClaim: claim } of volumes) if (claim !== undefined) expect(ofKind('PersistentVolumeClaim').metadata.name).toBe(claim.claimName);
    for (const { httpGet } of [worker.startupProbe, worker.livenessProbe, worker.readinessProbe]) expect(worker.ports.map(({ name }) => name)).toContain(httpGet.port);
    expect(worker.ports.map(({ containerPort }) => `0.0.0.0:${containerPort}`).sort()).toEqual([imageEnv['LLM_BARBER_METRICS'], imageEnv['LLM_BARBER_HEALTH']].sort());
    expect(wrongWords(worker.args)).toEqual([]);
    // Kubernetes must not kill a worker before it has handed over.
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(worker.args.at(worker.args.indexOf('--shutdown-grace') + 1)));
    const settings = { ...ofKind<Manifest & { data: object }>('ConfigMap').data, ...ofKind<Manifest & { stringData: object }>('Secret').stringData };
    expect(Object.keys(settings).filter((name) => !isRead(name))).toEqual([]);
  });
});

describe('systemd', () => {
  const unit = read('systemd/llm-barber-worker@.service');
  it('starts a worker with known options and variables', () => {
    const [, command = ''] = /^ExecStart=\/usr\/bin\/env temporal-pipeline (.*)$/m.exec(unit) ?? [];
    expect(wrongWords(command.split(' '))).toEqual([]);
    const variables = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, text]) => text.split(' ').map((pair) => pair.split('=')[0]));
    expect(variables.filter((name) => !isRead(name))).toEqual([]);
  });

  const [analyze] = onPath('systemd-analyze');
  it('is a unit that systemd accepts', where({ met: analyze !== undefined, reason: 'systemd-analyze is not installed' }), () => {
    const { stdout, stderr } = spawnSync(analyze, ['verify', join(folder, 'systemd', 'llm-barber-worker@.service')], { encoding: 'utf8' });
    expect((stdout + stderr).split('\n').filter((line) => line.includes('llm-barber-worker') && !/Failed to|User|not running/.test(line))).toEqual([]);
  });
});

describe('the program in the container', () => {
  it('serves, is ready and healthy, also outside the container', async () => {
    const own = await ownNamespace('deploy');
    const [metrics, health] = [await freePort(), await freePort()];
    const store = join(scratch, 'store');
    const env = { ...own.env, ...imageEnv, LLM_BARBER_CACHE: undefined, LLM_BARBER_STATE: join(scratch, 'state'), LLM_BARBER_ALLOW_PATH: scratch, LLM_BARBER_METRICS: `127.0.0.1:${metrics}`, LLM_BARBER_HEALTH: `127.0.0.1:${health}`, HF_HOME: join(scratch, 'hub') };
    const [, ...words] = (compose.services['worker'].command ?? []).map((word) => (word.startsWith('s3://') ? store : word));
    const worker = await startWorker(join(scratch, 'state'), { words, env });
    try {
      const [node, ...probe] = json(instruction('HEALTHCHECK').slice(instruction('HEALTHCHECK').indexOf('CMD')));
      expect(spawnSync(node, probe.map((word) => word.replace('9465', String(health)))).status).toBe(0);
      const { spec } = ofKind<Deployment>('Deployment');
      const [container] = spec.template.spec.containers;
      for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe]) expect((await fetch(`http://127.0.0.1:${health}${httpGet.path}`)).status).toBe(200);
      expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain('llm_barber_seat_taken');
    } finally {
      worker.process.kill('SIGTERM');
      await worker.ended;
      await own.client.connection.close();
    }
    expect(spawnSync(process.execPath, ['-e', `fetch('http://127.0.0.1:${health}/healthz').then(() => process.exit(0), () => process.exit(1))`]).status).toBe(1);
  });
});
