/** A real S3 server for the tests of the store: one that is there, else built with Go. */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './console.mjs';
import { cachedS3Server, cacheFolder, findS3Server, onPath } from './paths.mjs';

const goPackage = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';

/** Finds or builds the server. Never fails: without one, the tests that need it are skipped, and the summary says so. */
export async function ensureS3Server(say) {
  const found = findS3Server();
  if (found !== undefined) return `already there, ${found}`;
  if (onPath('go').length === 0) return 'none, and there is no Go to build one; tests that need it are skipped';
  say('building it with Go, about 2 minutes');
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'versitygw.partial-'));
  try {
    await run('go', ['install', goPackage], { name: 'go install', cwd: folder, env: { ...process.env, GOBIN: folder }, seconds: 900 });
    mkdirSync(dirname(cachedS3Server()), { recursive: true });
    renameSync(join(folder, 'versitygw'), cachedS3Server());
    return 'built';
  } catch (failure) {
    return `none (${failure.message}); tests that need it are skipped`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
