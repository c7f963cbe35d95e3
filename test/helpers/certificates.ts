import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** Paths of a certificate and its key, PEM. */
export interface Pair {
  cert: string;
  key: string;
}

/** Whether `openssl` is there to make certificates with. */
export const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Certificates made in a folder, valid for a day. */
export class Authority {
  readonly own: Pair;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.own = this.paths(name);
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', `/CN=${name}`, '-keyout', this.own.key, '-out', this.own.cert);
  }

  /** A certificate signed by this authority, for a host name and its loopback addresses. */
  issue(host: string): Pair {
    const pair = this.paths(`${this.name}-${host}`);
    const request = `${pair.cert}.request`;
    const extensions = `${pair.cert}.extensions`;
    writeFileSync(extensions, `subjectAltName=DNS:${host}\n`);
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${host}`, '-keyout', pair.key, '-out', request);
    openssl('x509', '-req', '-in', request, '-CA', this.own.cert, '-CAkey', this.own.key, '-CAcreateserial', '-days', '1', '-extfile', extensions, '-out', pair.cert);
    return pair;
  }

  private paths(name: string): Pair {
    return { cert: path.join(this.folder, `${name}.crt`), key: path.join(this.folder, `${name}.key`) };
  }
}

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
