/**
 * Makes an animated picture of a terminal, for README and docs. Runs a command in a separate terminal, and draws its output as one SVG
 * file that needs no player. Needs `script` of util-linux, which almost every Linux has.
 *
 * usage: node tools/make-cast.mjs PICTURE.svg COMMAND [ARGUMENT...]
 *
 * The folder of the clone is shown as `~/llm-barber`.
 *
 * `docs/run.svg` was made with `node tools/make-cast.mjs docs/run.svg npx temporal-pipeline run pipelines/demo.yaml` and an empty state
 * folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawCast } from './cast/draw.mjs';
import { Screen } from './cast/screen.mjs';

const columns = 104;
const rows = 30;
/** Frames shorter than `shortest` seconds are skipped, and no frame is shown for more than `longest` seconds. */
const shortest = 0.12;
const longest = 1.5;

const [picture, ...command] = process.argv.slice(2);
if (picture === undefined || command.length === 0) throw new Error('usage: make-cast.mjs PICTURE.svg COMMAND [ARGUMENT...]');

const shown = command.join(' ');
const frames = framesOf(record(command));
const drawing = drawCast(frames, { columns, title: shown });
if (drawing.includes(process.cwd())) throw new Error('the picture would show a path of this machine: run this again');
writeFileSync(picture, drawing);
console.log(`${picture}: ${frames.length} frames`);

/** Runs the command. @returns its output in pieces, with the seconds before each piece */
function record(words) {
  const folder = mkdtempSync(join(tmpdir(), 'cast-'));
  const [output, timing] = [join(folder, 'output'), join(folder, 'timing')];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  try {
    execFileSync('script', ['-q', '-e', '-f', '-c', `stty cols ${columns} rows ${rows}; exec ${quoted}`, '-O', output, '-T', timing], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, TERM: 'xterm-256color', FORCE_COLOR: '1', npm_config_progress: 'false' } });
    const bytes = readFileSync(output);
    // The first line is a header with the start time.
    let at = bytes.indexOf(10) + 1;
    return readFileSync(timing, 'utf8').trim().split('\n').map((line) => {
      const [seconds, count] = line.split(' ').slice(-2).map(Number);
      return { seconds, bytes: bytes.subarray(at, (at += count)) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the screen after each piece that stayed for a while. */
function framesOf(pieces) {
  const screen = new Screen(columns);
  screen.write(`\x1b[1m$\x1b[0m ${shown}\n`);
  const all = [{ lines: screen.lines(rows), seconds: 1 }];
  const decoder = new TextDecoder();
  for (const [index, { bytes }] of pieces.entries()) {
    screen.write(decoder.decode(bytes, { stream: true }).replaceAll(process.cwd(), '~/llm-barber'));
    const stays = pieces[index + 1]?.seconds ?? 6;
    const before = all.at(-1);
    const lines = screen.lines(rows);
    if (stays < shortest && index < pieces.length - 1) before.seconds += stays;
    else if (JSON.stringify(lines) === JSON.stringify(before.lines)) before.seconds += stays;
    else all.push({ lines, seconds: stays });
  }
  const end = all.length - 1;
  return all.map(({ lines, seconds }, index) => ({ lines, seconds: index === end ? 6 : Math.min(longest, seconds) }));
}
