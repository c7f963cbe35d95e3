const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Formats a number of bytes with three digits and a binary unit, e.g. `1.50 GiB`. */
export function bytesText(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${units[power]}`;
}
