/** A Temporal CLI with its server: one on the PATH, else the official one that the SDK downloads, else built with Go. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './console.mjs';
import { cacheFolder, cachedTemporal, findTemporal, onPath, workerPackagesFolder } from './paths.mjs';

/** The newest version that `go install` can build (later ones have replace directives in their go.mod). */
const goPackage = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

const downloadSeconds = 180;

/** The SDK downloads the CLI in order to start it; once it has started, the file is whole. */
const downloader = `
import { TestWorkflowEnvironment } from '@temporalio/testing';
const executable = { type: 'cached-download', downloadDir: process.argv[1] };
try {
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
  process.exit(0);
} catch (failure) {
  console.error(failure.message.split(': error sending')[0]);
  process.exit(1);
}
`;

async function download(folder) {
  const args = ['--input-type=module', '-e', downloader, folder];
  await run(process.execPath, args, { name: 'download', cwd: workerPackagesFolder(), seconds: downloadSeconds });
  return join(folder, readdirSync(folder).find((name) => name.startsWith('temporal')));
}

async function build(folder) {
  await run('go', ['install', goPackage], { name: 'go install', cwd: folder, env: { ...process.env, GOBIN: folder } });
  return join(folder, 'temporal');
}

async function get(say, folder) {
  say('downloading');
  try {
    return [await download(folder), 'downloaded'];
  } catch (failure) {
    if (onPath('go').length === 0) throw new Error(`${failure.message}, and there is no Go to build it`);
    say('the download failed; building it with Go, 4 to 10 minutes');
    return [await build(folder), 'built'];
  }
}

/** Finds or gets the CLI. @throws if there is none to be had, with how to fix that */
export async function ensureTemporal(say) {
  const found = findTemporal();
  if (found !== undefined) return `already there, ${found}`;
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'temporal-cli.partial-'));
  try {
    const [file, how] = await get(say, folder);
    mkdirSync(dirname(cachedTemporal()), { recursive: true });
    cpSync(file, `${cachedTemporal()}.${process.pid}`);
    renameSync(`${cachedTemporal()}.${process.pid}`, cachedTemporal());
    return how;
  } catch (failure) {
    const fix = 'Install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or Go 1.24 or newer, and try again.';
    throw new Error(`${failure.message}\n${fix}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
