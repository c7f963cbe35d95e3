import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Alias, Document, Node, YAMLError, YAMLMap } from 'yaml';
import { SourceLocations, pointerOf } from './source-locations.js';
import type { Segments } from './source-locations.js';

/** A problem of the YAML syntax, at an offset into the text. */
export interface SyntaxProblem {
  offset: number;
  message: string;
}

export interface SourceDocument {
  /** Plain data: null-prototype objects, arrays, text, numbers, booleans, null. Aliases and merge keys are expanded. */
  value: unknown;
  locations: SourceLocations;
  problems: SyntaxProblem[];
  /** A space that YAML reads as a letter. It explains other problems, and is not a problem by itself. */
  oddSpace?: SyntaxProblem;
  lines: LineCounter;
  /**
   * Maps an offset within the text value that begins at `start` to an offset in the file; returns `start` if the file writes the text in
   * another form.
   */
  within(start: number, offset: number): number;
}

// Far above any sensible pipeline, and far below what nested aliases can expand to.
export const maxValues = 10_000;
export const maxDepth = 32;

/** Thrown only inside the walk: the expanded document is too large to continue. */
class Unbounded extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/** Parses YAML text into plain data with places. Never throws: errors are in `problems`. */
export function readDocument(text: string): SourceDocument {
  const space = oddSpace(text);
  return { ...parsed(text), ...(space && { oddSpace: space }) };
}

function parsed(text: string): SourceDocument {
  const lines = new LineCounter();
  const locations = new SourceLocations();
  const within = (start: number, offset: number): number => {
    const inside = start + (/["']/.test(text.charAt(start)) ? 1 : 0) + offset;
    return offset === 0 || /[|>]/.test(text.charAt(start)) || /[\n\\]/.test(text.slice(start, inside)) ? start : inside;
  };
  const failed = (problems: SyntaxProblem[]): SourceDocument => ({ value: undefined, locations, problems, lines, within });
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, merge: true, resolveKnownTags: false });
    if (document.errors.length > 0) return failed(syntaxProblems(document.errors));
    if (document.contents === null) return failed([{ offset: 0, message: 'the file is empty; expected a pipeline. Copy one from pipelines/ to start with.' }]);
    const problems = document.warnings.map(({ message, pos }) => ({ offset: pos[0], message: `${message}; expected plain YAML. Leave the tag out.` }));
    const value = new Walk(aliasTargets(document), locations, problems, lines).value(document.contents, []);
    return { value, locations, problems, lines, within };
  } catch (error) {
    if (error instanceof Unbounded) return failed([{ offset: error.offset, message: error.message }]);
    if (error instanceof RangeError) return failed([{ offset: 0, message: tooDeep }]);
    throw error;
  }
}

/** Returns the target of each alias: the nearest anchor of its name above it. */
function aliasTargets(document: Document): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.source);
      if (target !== undefined) targets.set(node, target);
    },
  });
  return targets;
}

export const tooDeep = `nested deeper than ${maxDepth} levels; expected a pipeline, which needs 7. Look for brackets that are not closed, or an alias inside its own anchor.`;

class Walk {
  #values = 0;
  /** Offset of the outermost alias that is being expanded. */
  #alias: number | undefined;

  constructor(
    private readonly targets: ReadonlyMap<Alias, Node>,
    private readonly locations: SourceLocations,
    private readonly problems: SyntaxProblem[],
    private readonly lines: LineCounter,
  ) {}

  value(node: Node | null, path: Segments, keyOffset?: number): unknown {
    const offset = node?.range?.[0] ?? keyOffset ?? 0;
    this.#count(offset, path.length);
    const target = this.#follow(node);
    this.locations.set(pointerOf(path), { key: keyOffset, value: target?.range?.[0] ?? offset });
    const outer = this.#alias;
    if (target !== node) this.#alias ??= offset;
    const result = this.#plain(target, path);
    this.#alias = outer;
    return result;
  }

  #plain(node: Node | null, path: Segments): unknown {
    if (isMap(node)) {
      const result = Object.create(null) as Record<string, unknown>;
      for (const [key, pair] of this.#entries(node, path.length)) result[key] = this.value(pair.value, [...path, key], pair.keyOffset);
      return result;
    }
    if (isSeq(node)) return node.items.map((item, index) => this.value(item as Node | null, [...path, index]));
    if (isScalar(node)) return typeof node.value === 'symbol' ? node.value.description : node.value;
    return null;
  }

  /** The entries of a mapping. Entries of merge keys (`<<`) are included, unless the mapping has its own. */
  #entries(map: YAMLMap, depth: number): Map<string, { value: Node | null; keyOffset: number }> {
    const entries = new Map<string, { value: Node | null; keyOffset: number }>();
    const merged: (Node | null)[] = [];
    for (const { key, value } of map.items as { key: Node | null; value: Node | null }[]) {
      const keyOffset = key?.range?.[0] ?? map.range?.[0] ?? 0;
      this.#count(keyOffset, depth);
      if (!isScalar(key) || key.value === null) {
        this.problems.push({ offset: keyOffset, message: 'a key is missing or not a word; expected `key: value`. Write the key in front of the colon.' });
      } else if (typeof key.value === 'symbol') {
        const source = this.#follow(value);
        merged.push(...(isSeq(source) ? (source.items as (Node | null)[]) : [source]));
      } else {
        const name = `${key.value as string | number | boolean}`;
        const earlier = entries.get(name);
        if (earlier === undefined) entries.set(name, { value, keyOffset });
        else this.#duplicate(name, keyOffset, earlier.keyOffset);
      }
    }
    for (const item of merged) {
      const source = this.#follow(item);
      if (!isMap(source)) {
        this.problems.push({ offset: item?.range?.[0] ?? 0, message: 'the value of the merge key (`<<`) is not a mapping; expected an alias of a mapping. Name an anchor that holds one.' });
        continue;
      }
      for (const [key, entry] of this.#entries(source, depth + 1)) if (!entries.has(key)) entries.set(key, entry);
    }
    return entries;
  }

  #duplicate(name: string, offset: number, earlier: number): void {
    const message = `duplicate key \`${name}\` (first on line ${this.lines.linePos(earlier).line}); expected each key once. Remove one of the two.`;
    if (!this.problems.some((problem) => problem.offset === offset)) this.problems.push({ offset, message });
  }

  #follow(node: Node | null): Node | null {
    if (!isAlias(node)) return node;
    const target = this.targets.get(node);
    if (target !== undefined) return target;
    this.problems.push({
      offset: node.range?.[0] ?? 0,
      message: `alias \`*${node.source}\` without an anchor before it; expected \`&${node.source}\` further up. Quote the value if it is meant as text.`,
    });
    return null;
  }

  #count(offset: number, depth: number): void {
    if (depth > maxDepth) throw new Unbounded(this.#alias ?? offset, tooDeep);
    if (++this.#values <= maxValues) return;
    const what = this.#alias === undefined ? `more than ${maxValues} values` : `an alias that expands to more than ${maxValues} values`;
    throw new Unbounded(this.#alias ?? offset, `${what}; expected a pipeline, which has a few dozen values. Leave out what is not needed, and write values out instead of using aliases.`);
  }
}

/** What to do about an error, by the YAML library's error code. */
const remedies: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: 'Replace the tab with spaces.',
  MULTIPLE_DOCS: 'Put each pipeline in its own file.',
  BAD_SCALAR_START: 'Put the value in quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'Put each key on its own line, and put text that contains `: ` in quotes.',
};

const plainer: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: 'a tab in the indentation; expected spaces',
  MULTIPLE_DOCS: 'a second YAML document starts here; expected one pipeline per file',
};

/** Finds the first unusual space in place of an ordinary one: after a key's colon, after a list's dash, or at the beginning of a line. */
function oddSpace(text: string): SyntaxProblem | undefined {
  const match = /^(?:[ \t]*(?:- +)*[\w.-]+:|[ \t]*-|[ \t]*)([\u00a0\u2000-\u200b\u202f\u205f\u3000])/m.exec(text);
  const space = match?.[1];
  if (match === null || space === undefined) return undefined;
  const code = (space.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const name = space === '\u00a0' || space === '\u202f' ? 'a no-break space' : 'an unusual space';
  return { offset: match.index + match[0].length - 1, message: `${name} (U+${code}); expected an ordinary space. Type the space again.` };
}

/** Drops errors that follow from others: all but the first at one place, and those after a tab. */
function syntaxProblems(errors: readonly YAMLError[]): SyntaxProblem[] {
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  const causes = tabs.length > 0 ? tabs : errors.filter((error, index) => errors.findIndex(({ pos }) => pos[0] === error.pos[0]) === index);
  return causes.map(({ code, message, pos }) => ({
    offset: pos[0],
    message: `${plainer[code] ?? `YAML syntax: ${message}`}. ${remedies[code] ?? 'Fix the line, or quote the text.'}`,
  }));
}
