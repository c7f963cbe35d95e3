/** A value that a template cannot use; caught where the document's place is known. */
export class TemplateValueError extends Error {
  constructor(
    message: string,
    readonly expected: string,
  ) {
    super(message);
  }
}

const filters: Record<string, (text: string) => string> = {
  strip: (text) => text.trim(),
  /** Python's: one capital letter in front, small ones behind. */
  capitalize: (text) => {
    const [first = '', ...rest] = Array.from(text);
    return first.toUpperCase() + rest.join('').toLowerCase();
  },
};

const slot = /\{([^{}|]+)(?:\|([a-z]+))?\}/g;

/** The value at a path such as `choices.text`; undefined if there is none. */
export function valueAt(values: Record<string, unknown>, path: string): unknown {
  let value: unknown = values;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value ?? undefined;
}

/** Paths of the fields that a template has. */
export function fieldsOf(template: string): string[] {
  return Array.from(template.matchAll(slot), ([, path]) => path);
}

/** The template with fields' texts in their places. @throws TemplateValueError for a field that is not text */
export function filled(template: string, values: Record<string, unknown>): string {
  return template.replace(slot, (_, path: string, filter?: string) => {
    const value = valueAt(values, path);
    if (typeof value !== 'string') throw new TemplateValueError(`the field "${path}" is ${value === undefined ? 'missing' : `a ${typeof value}`}`, 'a text');
    if (filter === undefined) return value;
    if (!Object.hasOwn(filters, filter)) throw new TemplateValueError(`there is no filter "${filter}"`, `one of ${Object.keys(filters).join(', ')}`);
    return filters[filter](value);
  });
}
