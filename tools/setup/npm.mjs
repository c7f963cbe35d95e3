/** Finds npm, which set-up calls. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onPath } from './paths.mjs';

const cli = /npm-cli\.c?js$/;

/** The script of npm: the one that runs this process, else the one on the PATH. Yarn and pnpm set the same variable. */
function npmScript() {
  const scripts = [process.env.npm_execpath ?? '', ...onPath('npm').map((path) => realpathSync(path))];
  return scripts.find((path) => cli.test(path));
}

/** Program and words of an npm command without questions, advertisements and audits. */
export function npmCommand(...words) {
  const script = npmScript();
  const all = [...words, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  return script === undefined ? ['npm', all] : [process.execPath, [script, ...all]];
}

/** The node-gyp that comes with npm, if it is found. */
export function nodeGyp() {
  const script = npmScript();
  const path = script === undefined ? '' : join(dirname(script), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  return existsSync(path) ? path : undefined;
}
