/** Background of a cell that stands out: green for better or more, brown for worse or less. @param strength 0 to 1 */
export function heat(color: 'rebuilt' | 'initial', strength: number): string {
  return `background:color-mix(in srgb,var(--${color}) ${(42 * strength).toFixed(1)}%,transparent)`;
}
