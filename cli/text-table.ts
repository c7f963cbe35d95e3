/** Rows as columns of equal width, two spaces between. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** A time to the second, UTC: `2026-11-24 03:00:00`. */
export const timeText = (time: Date | string): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ');
