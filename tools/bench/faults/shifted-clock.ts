/**
 * Loaded into a worker and its compute process (`NODE_OPTIONS=--import`). Shifts their wall clock by the number of milliseconds in
 * the file that LLM_BARBER_FAULTS_CLOCK names, as soon as it is written there.
 */
import { readFileSync } from 'node:fs';

const file = process.env['LLM_BARBER_FAULTS_CLOCK'];
const RealDate = Date;
let offset = 0;

if (file !== undefined) {
  const look = (): void => {
    try {
      offset = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      offset = 0;
    }
  };
  look();
  setInterval(look, 50).unref();
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], self) => Reflect.construct(target, args.length === 0 ? [RealDate.now() + offset] : args, self === globalThis.Date ? target : self) as object,
    apply: () => new RealDate(RealDate.now() + offset).toString(),
    get: (target, key) => (key === 'now' ? () => RealDate.now() + offset : (Reflect.get(target, key) as unknown)),
  });
}
