/** Words of a gate, with their places. */

export interface GateToken {
  text: string;
  /** Quoted text is a name, never a word of the grammar. */
  quoted: boolean;
  /** Offset in the gate, in characters. */
  offset: number;
}

/** Thrown for text that is not a gate. It is caught where its place in the file is known. */
export class GateSyntaxError extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

const wordOrSign = /\s*(?:"([^"]*)"|(<=|>=|==|!=|[<>=*%])|([^\s"<>=*%!]+)|(\S))/y;

/** @throws GateSyntaxError for a character that cannot be part of a word */
export function tokenize(text: string): GateToken[] {
  const words: GateToken[] = [];
  const end = text.trimEnd().length;
  const matcher = new RegExp(wordOrSign);
  while (matcher.lastIndex < end) {
    const found = matcher.exec(text);
    if (found === null) break;
    const [whole, name, sign, word, other] = found;
    const offset = found.index + (whole.length - whole.trimStart().length);
    if (other !== undefined) throw new GateSyntaxError(offset, `\`${other}\` is not allowed in a gate; expected words, numbers and one of \`<\`, \`<=\`, \`>\`, \`>=\`. ${other === '"' ? 'Close the quotes.' : 'Put a name that contains it in double quotes.'}`);
    words.push({ text: name ?? sign ?? word, quoted: name !== undefined, offset });
  }
  return words;
}

/** Writes a name as a gate has it, quoted if necessary. */
export function nameText(name: string): string {
  return /^[^\s"<>=*%!]+$/.test(name) && !reserved.has(name) ? name : `"${name}"`;
}

/** Words with a meaning of their own, at places where a name is also allowed. */
const reserved: ReadonlySet<string> = new Set(['dense', 'initial', 'rebuilt', 'perplexity', 'sparsity', 'gap', 'weights', 'seconds']);
