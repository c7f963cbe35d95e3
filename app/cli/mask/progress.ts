/** Shows progress on one line of stderr that is overwritten. Shows nothing if stderr is not a terminal. */
export function progressLine(what: string): { update: (done: number, total: number) => void; end: () => void } {
  if (!process.stderr.isTTY) return { update: () => undefined, end: () => undefined };
  let shown = -1;
  return {
    update: (done, total) => {
      const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
      if (percent === shown) return;
      shown = percent;
      process.stderr.write(`\r${what}: ${percent} %`);
    },
    end: () => process.stderr.write(shown < 0 ? '' : '\r\x1b[K'),
  };
}
