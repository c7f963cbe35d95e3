/** A template cannot use a value. Caught where the place of the document is known. */
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
  /** Like Python's `capitalize`: first letter upper case, all others lower case. */
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

/** Paths of the fields in a template. */
export function fieldsOf(template: string): string[] {
  return Array.from(template.matchAll(slot), ([, path]) => path);
}

/** Fills in the fields of a template. @throws TemplateValueError if a field is not text, or there is no such filter */
export function filled(template: string, values: Record<string, unknown>): string {
  return template.replace(slot, (_, path: string, filter?: string) => {
    const value = valueAt(values, path);
    if (typeof value !== 'string') throw new TemplateValueError(`the field "${path}" is ${value === undefined ? 'missing' : `a ${typeof value}`}`, 'a text');
    if (filter === undefined) return value;
    if (!Object.hasOwn(filters, filter)) throw new TemplateValueError(`there is no filter "${filter}"`, `one of ${Object.keys(filters).join(', ')}`);
    return filters[filter](value);
  });
}
