import { styleText } from 'node:util';
import type { WriteStream } from 'node:tty';

export type Color = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (color: Color, text: string) => string;

/** Colors text where the output is a terminal that shows them, unless NO_COLOR is set; elsewhere text stays as it is. */
export function painter(output: Pick<WriteStream, 'isTTY'>, environment: NodeJS.ProcessEnv = process.env): Paint {
  return output.isTTY && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb' ? (color, text) => styleText(color, text, { validateStream: false }) : (_, text) => text;
}
