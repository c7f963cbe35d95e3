import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** A ready file that people run or copy. */
export interface Example {
  /** Absolute. */
  file: string;
  kind: 'pipeline' | 'sweep' | 'search' | 'pack';
  /** One line. */
  about: string;
}

/** The examples of a folder and the folders in it, by path. The first line of each names its schema, which tells its kind. */
export function findExamples(folder: string): Example[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((name) => {
    const file = path.join(folder, name);
    const text = readFileSync(file, 'utf8');
    const kind = /^# yaml-language-server: \$schema=\S*\/(pipeline|sweep|search|pack)\.schema\.json/.exec(text)?.[1] as Example['kind'] | undefined;
    return kind === undefined ? [] : [{ file, kind, about: firstSentence(text) ?? published(text) }];
  });
}

/** The first sentence of the comment at the top, below the schema's name. */
function firstSentence(text: string): string | undefined {
  const comment = /^#.*\n((?:#.*\n)*)/.exec(text)?.[1] ?? '';
  const prose = comment.split('\n').map((line) => line.replace(/^#/, '')).filter((line) => !line.startsWith('   ')).join(' ').replace(/\s+/g, ' ').trim();
  return /^.*?(?:\.(?= [A-Z]|$)|:(?= |$))/.exec(prose)?.[0].replace(/:$/, '.');
}

/** What a pack without a comment holds against published numbers. */
function published(text: string): string {
  const { set = {} } = parse(text) as { set?: Record<string, string | undefined> };
  const { 'model.source': model = '', 'initialMask.source': mask, 'initialMask.method': method, 'initialMask.pattern': pattern = '50 %' } = set;
  if (mask !== undefined) return `${path.basename(model)}, rebuilt from ${path.basename(mask)}.`;
  return `${model}, ${method ?? 'as its pipeline says'}, ${pattern}.`;
}
