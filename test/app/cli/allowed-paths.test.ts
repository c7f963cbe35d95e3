import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { allowedPaths } from '../../../app/cli/allowed-paths.js';
import { CommandLineError } from '../../../app/cli/errors.js';
import { runProgram } from './run-program.js';

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'allow-')));
const at = (name: string): string => path.join(root, name);
for (const name of ['a', 'b', 'state']) mkdirSync(at(name));
symlinkSync(at('a'), at('link'));
writeFileSync(at('file'), '');
afterAll(() => rmSync(root, { recursive: true }));

describe('the folders that a worker allows', () => {
  it('include everything by default', () => {
    expect(allowedPaths([], at('state'), {})).toBeUndefined();
    expect(allowedPaths([], at('state'), { LLM_BARBER_ALLOW_PATH: '' })).toBeUndefined();
  });

  it('come from the option or else the variable, with links resolved, and include the state folder', () => {
    const variable = { LLM_BARBER_ALLOW_PATH: [at('a'), at('b')].join(path.delimiter) };
    expect(allowedPaths([], at('state'), variable)).toEqual([at('a'), at('b'), at('state')]);
    expect(allowedPaths([at('link')], at('state'), variable)).toEqual([at('a'), at('state')]);
  });

  it.each(['none', 'file'])('must exist: %s', (name) => {
    expect(() => allowedPaths([at(name)], at('state'), {})).toThrow(CommandLineError);
    expect(() => allowedPaths([at(name)], at('state'), {})).toThrow(`--allow-path ${at(name)}: there is no such folder`);
  });

  it('stop a worker at once if one does not exist', async () => {
    const { code, stderr } = await runProgram('temporal-pipeline', ['worker', '--state', at('state'), '--allow-path', at('a'), '--allow-path', at('none')]);
    expect(stderr).toContain(`--allow-path ${at('none')}: there is no such folder`);
    expect(code).toBe(2);
  });
});
