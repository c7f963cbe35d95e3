/** Colors of charts. They are variables of the page's style, so that charts follow its light and dark scheme. */
export const colors = {
  ink: 'var(--ink)', muted: 'var(--muted)', line: 'var(--line)', dense: 'var(--dense)', initial: 'var(--initial)', rebuilt: 'var(--rebuilt)', bad: 'var(--bad)',
} as const;

/** Colors of lines without a color of their own. */
export const lineColors = Array.from({ length: 8 }, (_, index) => `var(--line${index})`);

/** Symbols of lines: the chart library's name, and the character for text. */
const lineSigns = [['circle', '●'], ['rect', '■'], ['triangle', '▲'], ['diamond', '◆']] as const;

/** Returns the symbol of a line. Lines with the same color get different symbols. */
export const lineSign = (index: number): readonly [symbol: string, sign: string] => lineSigns[(index + Math.floor(index / lineColors.length)) % lineSigns.length];
