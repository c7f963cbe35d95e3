/** A terminal screen. Supports only what our programs write: cursor up, carriage return, erase below, colors. */
export class Screen {
  #rows = [[]];
  #row = 0;
  #column = 0;
  #style = '';

  constructor(columns) {
    this.columns = columns;
  }

  write(text) {
    for (const part of text.match(/\x1b\[[\d;?]*[A-Za-z]|\x1b.|[^\x1b]/gu) ?? []) this.#take(part);
  }

  /** Returns the last `count` rows, each as pieces with one style. */
  lines(count) {
    return this.#rows.slice(-count).map((cells) => {
      const pieces = [];
      for (const { text, style } of Array.from(cells, (cell) => cell ?? { text: ' ', style: '' })) {
        const last = pieces.at(-1);
        if (last?.style === style) last.text += text;
        else pieces.push({ text, style });
      }
      return pieces;
    });
  }

  #take(part) {
    if (part === '\n') this.#to(this.#row + 1, 0);
    else if (part === '\r') this.#column = 0;
    else if (/^\x1b\[\d*A$/.test(part)) this.#to(Math.max(0, this.#row - Number(part.slice(2, -1) || 1)), this.#column);
    else if (/^\x1b\[0?J$/.test(part)) {
      this.#rows.length = this.#row + 1;
      this.#rows[this.#row].length = this.#column;
    } else if (/^\x1b\[[\d;]*m$/.test(part)) this.#paint(part.slice(2, -1));
    else if (part.length > 0 && part >= ' ' && !part.startsWith('\x1b')) {
      if (this.#column === this.columns) this.#to(this.#row + 1, 0);
      this.#rows[this.#row][this.#column++] = { text: part, style: this.#style };
    }
  }

  #to(row, column) {
    while (this.#rows.length <= row) this.#rows.push([]);
    [this.#row, this.#column] = [row, column];
  }

  #paint(codes) {
    const names = { 1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan' };
    for (const code of codes.split(';')) {
      if (code === '' || code === '0' || code === '39' || code === '22') this.#style = '';
      else this.#style = names[code] ?? this.#style;
    }
  }
}
