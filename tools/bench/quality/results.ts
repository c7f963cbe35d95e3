/** The results file: one JSON object per line. It is only appended to, so that a measurement can be stopped and continued at any time. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ResultLine } from './cell.js';

export class Results {
  private readonly byKey = new Map<string, ResultLine>();

  /** Reads the results that are there. @throws Error on a line that is not JSON */
  constructor(private readonly file: string) {
    readResults(file).forEach((line) => this.byKey.set(line.key, line));
  }

  find(key: string): ResultLine | undefined {
    return this.byKey.get(key);
  }

  /** Adds a result. It is in the file when this returns. */
  add(line: ResultLine): void {
    mkdirSync(dirname(this.file), { recursive: true });
    if (existsSync(this.file)) dropUnfinished(this.file);
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
    this.byKey.set(line.key, line);
  }
}

/** Reads all lines of a results file; none if it does not exist. An unfinished last line, left by a killed process, is ignored. */
export function readResults(file: string): ResultLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').slice(0, -1).map((text, index) => {
    try {
      return JSON.parse(text) as ResultLine;
    } catch (error) {
      throw new Error(`${file}, line ${index + 1}: not valid JSON`, { cause: error });
    }
  });
}

function dropUnfinished(file: string): void {
  const bytes = readFileSync(file);
  const finished = bytes.lastIndexOf('\n') + 1;
  if (finished < bytes.length) truncateSync(file, finished);
}
