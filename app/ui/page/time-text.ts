import { html } from 'hono/html';
import type { Piece } from '../../report/page/document.js';

/**
 * Shows only the clock for today, and the date for other days. The page is viewed on the machine that serves it, so that machine's clock is
 * right.
 */
export function timeText(time: Date | string): Piece {
  const at = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const isToday = at.toDateString() === new Date().toDateString();
  return html`<time datetime="${at.toISOString()}">${isToday ? clock : `${day} ${clock.slice(0, 5)}`}</time>`;
}
