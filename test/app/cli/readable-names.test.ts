/** Names that are not valid UTF-8 are reported; no file is created under another name. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLineError } from '../../../app/cli/errors.js';
import { checkReadable } from '../../../app/cli/readable-names.js';

const bad = 'r\ufffdn';
const good = { folder: '/home/é #', environment: { LLM_BARBER_STATE: '/s é' } };

describe('names that are not valid UTF-8', () => {
  it.each([
    ['a word of the command line', [['run', `${bad}.yaml`], good], 'command line'],
    ['a value of --set', [['run', 'a.yaml', '--set', `model.source=${bad}`], good], 'command line'],
    ['the current folder', [['list'], { ...good, folder: `/home/${bad}` }], 'current folder'],
    ['the state of the environment', [['list'], { ...good, environment: { LLM_BARBER_STATE: bad } }], 'LLM_BARBER_STATE'],
    ['the store of the environment', [['list'], { ...good, environment: { LLM_BARBER_STORE: bad } }], 'LLM_BARBER_STORE'],
  ] as const)('are refused: %s', (_, [words, where], place) => {
    expect(() => checkReadable(words, where)).toThrow(CommandLineError);
    expect(() => checkReadable(words, where)).toThrow(`${place}: `);
  });

  it('are the only ones refused', () => {
    expect(() => checkReadable(['run', 'é # ? %.yaml', '日本'], good)).not.toThrow();
  });

  it.runIf(existsSync('dist/app/cli/main.js') && process.platform === 'linux')('leave no files behind beside such a folder', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'names-'));
    try {
      const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x72, 0xfc, 0x6e])]);
      mkdirSync(odd);
      const program = path.resolve('app/cli/bin/temporal-pipeline.mjs');
      // Only a shell can pass such bytes.
      const { status, stderr } = spawnSync('sh', ['-c', `cd "${folder}"/r*n && exec "${process.execPath}" "${program}" list`], { encoding: 'utf8' });
      expect(stderr).toContain('current folder: ');
      expect(status).toBe(2);
      const given = spawnSync('sh', ['-c', `exec "${process.execPath}" "${program}" list --state "$(printf '${folder}/r\\374n')/state"`], { encoding: 'utf8' });
      expect(given.stderr).toContain('command line: ');
      expect(given.status).toBe(2);
      expect(readdirSync(folder)).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
