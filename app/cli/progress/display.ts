import type { WriteStream } from 'node:tty';
import type { PipelineProgress } from '../../../workflows/protocol.js';
import { plainLines } from './plain-lines.js';
import { painter, type Paint } from '../paint.js';
import { clip, paintProgress, renderProgress } from './render.js';

/** Shows progress, and messages in between, on one output. */
export interface Display<Progress = PipelineProgress> {
  update(progress: Progress): void;
  /** Says what the run is waiting for, before there is progress. On a terminal the next update replaces it. */
  waiting(what: string): void;
  /** A line that stays. */
  message(line: string): void;
  /** Leaves the last lines where they are and redraws nothing more. */
  end(): void;
}

/** How progress looks. */
export interface View<Progress> {
  /** Lines for a terminal that is `columns` wide. */
  render: (progress: Progress, columns: number) => string[];
  /** Colors one of these lines. */
  paint?: (line: string, paint: Paint) => string;
  /** Lines to add on output that cannot be redrawn. */
  plain: (before: Progress | undefined, now: Progress) => string[];
}

type Output = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>;

/** Redraws bars in place on a terminal; prints plain lines elsewhere, and on a dumb terminal. NO_COLOR turns off colors only. */
export function openDisplay(output: Output, environment: NodeJS.ProcessEnv = process.env): Display {
  return openView({ render: renderProgress, plain: plainLines, paint: paintProgress }, output, environment);
}

/** Same as {@link openDisplay}, for any kind of progress. */
export function openView<Progress>(view: View<Progress>, output: Output, environment: NodeJS.ProcessEnv = process.env): Display<Progress> {
  const canRedraw = output.isTTY && environment['TERM'] !== 'dumb';
  return canRedraw ? new TerminalDisplay(output, view, painter(output, environment)) : new PlainDisplay(output, view.plain);
}

class PlainDisplay<Progress> implements Display<Progress> {
  private shown: Progress | undefined;

  constructor(
    private readonly output: Output,
    private readonly plain: View<Progress>['plain'],
  ) {}

  update(progress: Progress): void {
    for (const line of this.plain(this.shown, progress)) this.message(line);
    this.shown = progress;
  }

  waiting(what: string): void {
    this.message(waitingFor(what));
  }

  message(line: string): void {
    this.output.write(`${line}\n`);
  }

  end(): void {
    this.shown = undefined;
  }
}

const waitingFor = (what: string): string => `Waiting for ${what} ...`;

const eraseDown = '\x1b[0J';
const upBy = (lines: number) => (lines === 0 ? '\r' : `\x1b[${lines}A\r`);

class TerminalDisplay<Progress> implements Display<Progress> {
  private lines: string[] = [];
  private columns = 0;

  constructor(
    private readonly output: Output,
    private readonly view: View<Progress>,
    private readonly paint: Paint,
  ) {}

  update(progress: Progress): void {
    const columns = this.output.columns || 80;
    this.draw(this.view.render(progress, columns), columns);
  }

  waiting(what: string): void {
    const columns = this.output.columns || 80;
    this.draw([clip(waitingFor(what), columns - 1)], columns);
  }

  private draw(lines: string[], columns: number): void {
    if (columns === this.columns && lines.join('\n') === this.lines.join('\n')) return;
    this.output.write(`${this.back(columns)}${eraseDown}${this.painted(lines)}`);
    this.lines = lines;
    this.columns = columns;
  }

  message(line: string): void {
    this.output.write(`${this.back(this.output.columns || 80)}${eraseDown}${line}\n${this.painted(this.lines)}`);
  }

  end(): void {
    this.lines = [];
  }

  /** Lines are measured before they are colored, because color codes take no space. */
  private painted(lines: readonly string[]): string {
    return lines.map((line) => `${this.view.paint?.(line, this.paint) ?? line}\n`).join('');
  }

  /** Moves the cursor to the start of what is shown. A terminal that became narrower has wrapped the lines. */
  private back(columns: number): string {
    return upBy(this.lines.reduce((rows, line) => rows + Math.max(1, Math.ceil([...line].length / columns)), 0));
  }
}
