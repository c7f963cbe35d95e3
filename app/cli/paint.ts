import { styleText } from 'node:util';
import type { WriteStream } from 'node:tty';

export type Color = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (color: Color, text: string) => string;

/**
 * Returns a function that colors text if the output is a terminal with colors and NO_COLOR is not set; otherwise it returns the text
 * unchanged.
 */
export function painter(output: Pick<WriteStream, 'isTTY'>, environment: NodeJS.ProcessEnv = process.env): Paint {
  return output.isTTY && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb' ? (color, text) => styleText(color, text, { validateStream: false }) : (_, text) => text;
}
