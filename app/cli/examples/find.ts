import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** A ready-made file that people run or copy. */
export interface Example {
  /** Absolute. */
  file: string;
  kind: 'pipeline' | 'sweep' | 'search' | 'pack';
  /** One line. */
  about: string;
}

/**
 * Returns the examples in a folder and its subfolders, sorted by path. The first line of each file names its schema, which gives its kind.
 */
export function findExamples(folder: string): Example[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((name) => {
    const file = path.join(folder, name);
    const text = readFileSync(file, 'utf8');
    const kind = /^# yaml-language-server: \$schema=\S*\/(pipeline|sweep|search|pack)\.schema\.json/.exec(text)?.[1] as Example['kind'] | undefined;
    return kind === undefined ? [] : [{ file, kind, about: firstSentence(text) ?? published(text) }];
  });
}

/** Returns the first sentence of the comment at the top, below the line with the schema. */
function firstSentence(text: string): string | undefined {
  const comment = /^#.*\n((?:#.*\n)*)/.exec(text)?.[1] ?? '';
  const prose = comment.split('\n').map((line) => line.replace(/^#/, '')).filter((line) => !line.startsWith('   ')).join(' ').replace(/\s+/g, ' ').trim();
  return /^.*?(?:\.(?= [A-Z]|$)|:(?= |$))/.exec(prose)?.[0].replace(/:$/, '.');
}

/** Describes a pack without a comment by what it reproduces. */
function published(text: string): string {
  const { set = {} } = parse(text) as { set?: Record<string, string | undefined> };
  const { 'model.source': model = '', 'initialMask.source': mask, 'initialMask.method': method, 'initialMask.pattern': pattern = '50 %' } = set;
  if (mask !== undefined) return `${path.basename(model)}, rebuilt from ${path.basename(mask)}.`;
  return `${model}, ${method ?? 'as its pipeline says'}, ${pattern}.`;
}
