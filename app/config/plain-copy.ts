import { maxDepth, tooDeep } from './document.js';
import { RequestError } from './errors.js';

export interface CopyLimits {
  values: number;
  /** Maximum length of one text, in characters. */
  text: number;
}

/**
 * Copies plain data from outside so that any code may walk it: limited in depth and size, and without prototypes. Undefined members are
 * left out, as in JSON.
 * @param at name of the data, for messages
 * @throws RequestError
 */
export function plainCopy(data: unknown, at: string, most: CopyLimits): unknown {
  let values = 0;
  const refuse = (message: string): never => {
    throw new RequestError([{ at, message }]);
  };
  const copy = (value: unknown, depth: number): unknown => {
    if (depth > maxDepth) refuse(tooDeep);
    if (++values > most.values) refuse(`more than ${most.values} values; expected fewer. Leave out what is not needed.`);
    if (typeof value === 'string' && value.length > most.text) refuse(`a text of ${value.length} characters; expected at most ${most.text}. Shorten it.`);
    if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
    if (typeof value !== 'object' || value === null) return value;
    const result = Object.create(null) as Record<string, unknown>;
    for (const [key, item] of Object.entries(value)) if (item !== undefined) result[key] = copy(item, depth + 1);
    return result;
  };
  return copy(data, 0);
}
