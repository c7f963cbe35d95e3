import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtFolder } from '#setup/paths.mjs';
import type { NativeConnection, WorkerDeploymentOptions } from '@temporalio/worker';
import { CommandLineError } from './errors.js';
import { version } from './version.js';

/** A version of a Temporal worker deployment. Workers of one version run the same code. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** How long a new version may take to be known to the whole server. */
const timeoutMs = 60_000;

/** Status of a version that has never been current (`WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE`, and before it has any). */
const neverCurrent: readonly unknown[] = [undefined, null, 0, 1];

/** Returns the version that a worker's flags ask for, if any. @throws CommandLineError */
export function workerVersion(deploymentName: string | undefined, buildId = ownBuildId()): WorkerVersion | undefined {
  if (deploymentName === undefined) return undefined;
  for (const [option, value] of [['--deployment', deploymentName], ['--build-id', buildId]]) {
    if (/^[\w-][\w.-]*$/.test(value)) continue;
    throw new CommandLineError({ where: option, what: `${JSON.stringify(value)} is not a valid name`, expected: 'letters, digits, - and _, and dots after the first character' });
  }
  return { deploymentName, buildId };
}

/** Changes with every change of the code: the package's version, and a digest of the sources of this build. */
function ownBuildId(): string {
  let stamp: Buffer;
  try {
    stamp = readFileSync(join(builtFolder, '.build.json'));
  } catch {
    return version();
  }
  return `${version()}-${createHash('sha256').update(stamp).digest('hex').slice(0, 12)}`;
}

/** Runs stay with workers of the version that started them. */
export function deploymentOptions(workerVersion: WorkerVersion): WorkerDeploymentOptions {
  return { version: workerVersion, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' };
}

/**
 * Lets new runs start on this version, if it is new. The first worker of a version makes it the current one as soon as the server knows it.
 * A version that was current before is left as it is. So restarting an old worker, or going back by hand (`temporal worker deployment
 * set-current-version`), is not undone.
 * @param say called with what was done, or why it was not; the worker serves in both cases
 */
export async function becomeCurrent(connection: NativeConnection, namespace: string, { deploymentName, buildId }: WorkerVersion, say: (line: string) => void): Promise<void> {
  const name = `${deploymentName}.${buildId}`;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const { workerDeploymentInfo: info } = await connection.workflowService.describeWorkerDeployment({ namespace, deploymentName });
      const summary = info?.versionSummaries?.find(({ deploymentVersion }) => deploymentVersion?.buildId === buildId);
      if (summary !== undefined && !neverCurrent.includes(summary.status)) {
        say(`Worker version ${name} serves its existing runs${info?.routingConfig?.currentDeploymentVersion?.buildId === buildId ? ' and new ones' : ''}.`);
        return;
      }
      await connection.workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId, identity: `llm-barber worker ${process.pid}` });
      say(`Worker version ${name} is now current: new runs start on it, and runs in progress stay with the version that started them.`);
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        const why = error instanceof Error ? error.message : String(error);
        say(`Worker version ${name} is not current (${why}). To make it current: temporal worker deployment set-current-version --deployment-name ${deploymentName} --build-id ${buildId}`);
        return;
      }
      await sleep(500);
    }
  }
}
