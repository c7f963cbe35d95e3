/** Where a value came from: offsets into the text, or the override that set it. */
interface SourceLocation {
  /** Offset of the key that holds the value; absent for list items and the root. */
  key?: number;
  value: number;
  override?: string;
}

export type Segments = readonly (string | number)[];

/** JSON pointer of a path, escaped as AJV escapes its `instancePath`. */
export function pointerOf(segments: Segments): string {
  return segments.map((segment) => `/${String(segment).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');
}

/** The path of a JSON pointer. */
export function segmentsOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map((segment) => segment.replace(/~1/g, '/').replace(/~0/g, '~'));
}

/** Remembers for every value of a document, by JSON pointer, where it came from. */
export class SourceLocations {
  readonly #places = new Map<string, SourceLocation>();

  set(pointer: string, place: SourceLocation): void {
    this.#places.set(pointer, place);
  }

  /** Returns the place of the value, or of the closest value around it that is in the file. */
  find(pointer: string): SourceLocation {
    for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const place = this.#places.get(at);
      if (place !== undefined) return place;
    }
    return this.#places.get('') ?? { value: 0 };
  }

  /** Marks the value and everything within it as set by an override. */
  override(pointer: string, override: string): void {
    for (const inside of this.#places.keys()) {
      if (inside.startsWith(`${pointer}/`)) this.#places.delete(inside);
    }
    this.#places.set(pointer, { value: 0, override });
  }
}
