/** Replaces control and format characters, which a terminal would obey, by spaces. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');

export interface TableOptions {
  /** Aligns all columns but the first to the right, as for numbers. */
  numbers?: boolean;
  /** Minimum width of the first column. */
  firstWidth?: number;
}

/** Formats rows as aligned columns, two spaces apart. */
export function textTable(rows: readonly (readonly string[])[], { numbers = false, firstWidth = 0 }: TableOptions = {}): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(column === 0 ? firstWidth : 0, ...rows.map((row) => row[column]?.length ?? 0)));
  const padded = (cell: string, column: number): string => (numbers && column > 0 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0));
  return rows.map((row) => row.map(padded).join('  ').trimEnd()).join('\n');
}

/** Indents a text by two spaces; empty lines stay empty. */
export const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

/** An indented table of numbers, with a line end. */
export const numberTable = (rows: readonly (readonly string[])[]): string => `${indented(textTable(rows, { numbers: true }))}\n`;

/** Names and facts, one pair per line, indented, with a line end. */
export const labelled = (facts: readonly (readonly [string, string])[]): string => `${indented(textTable(facts))}\n`;

/** A time to the second, UTC: `2026-11-24 03:00:00`. */
export const timeText = (time: Date | string): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ');
