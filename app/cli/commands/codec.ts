import { once } from 'node:events';
import { dataConverter } from '../codec/data-converter.js';
import { serveCodec } from '../codec/serve-codec.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { catchInterrupts } from '../interrupts.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/** Options specific to `codec`. */
export interface CodecFlags {
  listen: string;
  origin: readonly string[];
}

/**
 * `codec`: decrypts payloads for Temporal's web page, with the keys of the environment, until it is told to stop.
 * @returns the exit code
 * @throws CommandLineError, PayloadKeyError, HealthAddressError
 */
export async function codecCommand({ listen, origin }: CodecFlags, { json }: GlobalOptions): Promise<number> {
  const origins = origin.map(originOf);
  if (origins.length === 0) throw new CommandLineError({ where: '--origin', what: 'it is missing', expected: "the address of Temporal's web page, such as https://cloud.temporal.io or http://127.0.0.1:8233", remedy: 'Give the address: requests from any other page are refused' });
  const { payloadCodecs = [], encrypts } = dataConverter();
  if (!encrypts) throw new CommandLineError({ what: 'there is no payload key', expected: 'LLM_BARBER_PAYLOAD_KEY_FILE or LLM_BARBER_PAYLOAD_KEY', remedy: 'Set it to what your workers use (docs/security.md)' });
  const interrupts = catchInterrupts();
  const { signal } = interrupts;
  try {
    const refused = new Set<string>();
    const onRefused = (other: string): void => {
      if (refused.size < 10 && !refused.has(other)) process.stderr.write(`A request from a page of ${other} was refused. If it is Temporal's web page, start again with --origin ${other}.\n`);
      refused.add(other);
    };
    const { url, close } = await serveCodec({ listen, origins, codecs: payloadCodecs, onRefused });
    if (!/^http:\/\/(127\.|localhost|\[::1\])/.test(url)) process.stderr.write('Anyone who can reach this address can decrypt payloads: it does not ask for a password.\n');
    if (json) printJson({ status: 'serving', address: url });
    else process.stdout.write(`${url}\n`);
    process.stderr.write(`Enter this address in Temporal's web page as its codec server. Pages of ${origins.join(', ')} may send requests. Press Ctrl-C to stop.\n`);
    if (!signal.aborted) await once(signal, 'abort');
    await close();
    return exitCode.done;
  } finally {
    interrupts.dispose();
  }
}

/** @throws CommandLineError */
function originOf(address: string): string {
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return new URL(address).origin;
  throw new CommandLineError({ where: '--origin', what: `${address} is not the address of a page`, expected: 'https://cloud.temporal.io or http://127.0.0.1:8233', remedy: 'Correct it' });
}
