import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the last commit that changed `science/`. If the files differ from it, a digest of the files is appended. */
export function codeLabel(root: string): string {
  const git = (...words: string[]): string => execFileSync('git', ['-C', root, ...words], { encoding: 'utf8' }).trim();
  const commit = git('log', '-1', '--format=%h', '--', 'science');
  if (git('status', '--porcelain', '--', 'science') === '') return commit;
  const hash = createHash('sha256');
  const names = readdirSync(join(root, 'science'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).sort();
  for (const name of names) hash.update(`${name}\n`).update(readFileSync(join(root, 'science', name)));
  return `${commit}+${hash.digest('hex').slice(0, 8)}`;
}
