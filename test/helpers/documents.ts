/** The pages of the documentation, split into lines of text and lines of code. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
export const pages = [
  'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];

export interface PageLine {
  text: string;
  /** For example `docs/plan.md:12`. */
  where: string;
  /** The language of the code block around the line: `sh`, `yaml`, or empty; undefined outside of code blocks. */
  code: string | undefined;
  /** Whether a tool writes this part of the page. */
  generated: boolean;
}

/** Returns the lines of a page, without the fences of its code blocks. */
export function linesOf(page: string): PageLine[] {
  const lines: PageLine[] = [];
  let code: string | undefined;
  let generated = false;
  for (const [index, text] of readFileSync(join(root, page), 'utf8').split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(text);
    if (fence !== null) {
      code = code === undefined ? fence[1] : undefined;
      continue;
    }
    if (/^<!-- \w+: (begin|end) -->$/.test(text)) generated = text.includes('begin');
    lines.push({ text, where: `${page}:${index + 1}`, code, generated });
  }
  return lines;
}

/** Returns the code blocks of a language, each as one text. */
export function blocksOf(page: string, language: string): string[] {
  return [...readFileSync(join(root, page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text);
}
