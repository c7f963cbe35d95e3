import { describe, expect, it } from 'vitest';
import { openDisplay } from '../../../../app/cli/progress/display.js';
import { renderProgress } from '../../../../app/cli/progress/render.js';
import type { PipelineProgress, StageProgress } from '../../../../workflows/protocol.js';

const entry = (layer: number) => ({ layer, block: 'mlp', errorBefore: 0.02, errorAfter: 0.01, grown: 1, pruned: 1 }) as const;

/** Progress with calibration done, and `done` of three layers rebuilt. */
function at(done: number, change: Partial<StageProgress> = {}): PipelineProgress {
  const rebuild: StageProgress = {
    type: 'rebuild', state: 'running', done, total: 3, detail: `layer ${done}`, seconds: done, reused: 0, secondsLeft: 3 - done,
    ...(done > 0 && { latest: [entry(done - 1)] }), ...change,
  };
  const calibration: StageProgress = { type: 'calibration', state: 'done', done: 1, total: 1, detail: '', seconds: 0.2, reused: 0 };
  return { name: 'p', configDigest: '', stages: [calibration, rebuild] };
}

class Output {
  text = '';
  constructor(
    readonly isTTY: boolean,
    public columns = 100,
  ) {}
  write = (text: string): boolean => {
    this.text += text;
    return true;
  };
}

/** What a terminal shows after the text, without colors: interprets `ESC [ n A` (up), carriage return, newline and `ESC [ 0 J` (erase below). */
function screen(text: string): string[] {
  const rows = [''];
  let row = 0;
  for (const part of text.replace(/\x1b\[\d+m/g, '').match(/\x1b\[\d*[AJ]|\r|\n|[^\x1b\r\n]+/g) ?? []) {
    if (part.endsWith('A') && part.startsWith('\x1b')) row -= Number(part.slice(2, -1));
    else if (part === '\x1b[0J') rows.splice(row, rows.length, '');
    else if (part === '\n') rows[(row += 1)] ??= '';
    else if (part !== '\r') rows[row] = part;
  }
  return rows;
}

describe('display on a terminal', () => {
  it('redraws in place and keeps messages above', () => {
    const output = new Output(true);
    const display = openDisplay(output, {});
    display.message('server is up');
    display.update(at(0));
    display.update(at(1));
    display.message('worker died');
    display.update(at(2));
    display.end();
    display.message('bye');
    expect(screen(output.text)).toEqual(['server is up', 'worker died', ...renderProgress(at(2), 100), 'bye', '']);
  });

  it('says on one line what it waits for until there is progress', () => {
    const output = new Output(true, 30);
    const display = openDisplay(output, {});
    display.waiting('the Temporal server');
    expect(screen(output.text)).toEqual(['Waiting for the Temporal ser…', '']);
    display.message('server is up');
    const waiting: PipelineProgress = { name: 'p', configDigest: '', stages: [{ type: 'rebuild', state: 'waiting', done: 0, total: 0, detail: '', seconds: 0, reused: 0 }] };
    display.update(waiting);
    expect(screen(output.text).slice(0, 2)).toEqual(['server is up', 'Waiting for a worker ...']);
    display.update({ ...waiting, preparing: 'starting the engine' });
    expect(screen(output.text)[1]).toBe('starting the engine');
    display.update(at(1));
    expect(screen(output.text)).toEqual(['server is up', ...renderProgress(at(1), 30), '']);
  });

  it('uses colors unless NO_COLOR is set, and changes nothing else', () => {
    const write = (environment: NodeJS.ProcessEnv): string => {
      const output = new Output(true);
      openDisplay(output, environment).update(at(1));
      return output.text;
    };
    expect(write({})).toMatch(/\x1b\[\d+m/);
    expect(write({ NO_COLOR: '1' })).not.toMatch(/\x1b\[\d+m/);
    expect(screen(write({ NO_COLOR: '1' }))).toEqual(screen(write({})));
  });

  it('writes nothing if nothing has changed', () => {
    const output = new Output(true);
    const display = openDisplay(output, {});
    display.update(at(1));
    const before = output.text;
    display.update(at(1));
    expect(output.text).toBe(before);
  });
});

describe('display without a terminal', () => {
  it.each([
    ['a pipe', false, {}],
    ['a dumb terminal', true, { TERM: 'dumb' }],
  ])('writes one line for each event: %s', (_, isTTY, environment) => {
    const output = new Output(isTTY);
    const display = openDisplay(output, environment);
    for (const progress of [at(0, { state: 'waiting' }), at(0), at(0), at(1), at(1), at(3), at(3, { state: 'done' })]) display.update(progress);
    expect(output.text.split('\n')).toEqual([
      'calibration: done in 0.2 s',
      'rebuild: started',
      'rebuild: 1 of 3 layers, mlp error 0.02 -> 0.01 (-50 %), 2 s left',
      'rebuild: 3 of 3 layers, mlp error 0.02 -> 0.01 (-50 %), less than 1 s left',
      'rebuild: done in 3.0 s',
      '',
    ]);
  });
});
