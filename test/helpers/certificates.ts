import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bits, bytes, context, integer, names, objectId, octets, sequence, time, utf8 } from './der.js';

/** Paths of a certificate and its key, in PEM format. */
export interface Pair {
  cert: string;
  key: string;
}

const oid = { ecdsaWithSha256: '1.2.840.10045.4.3.2', commonName: '2.5.4.3', basicConstraints: '2.5.29.19', subjectAltName: '2.5.29.17' };
const hour = 3_600_000;

/** An authority that makes certificates in a folder (RFC 5280, P-256), valid for a day. */
export class Authority {
  readonly own: Pair;
  private readonly privateKey: KeyObject;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    const { privateKey, publicKey } = newKeys();
    this.privateKey = privateKey;
    // A sequence with TRUE means that this certificate may sign others.
    const signsOthers = extension(oid.basicConstraints, sequence(bytes(0x01, Buffer.of(0xff))));
    this.own = this.write(name, privateKey, this.certify(name, publicKey, signsOthers));
  }

  /** Issues a certificate for a host name, signed by this authority. */
  issue(host: string): Pair {
    const { privateKey, publicKey } = newKeys();
    const hostName = extension(oid.subjectAltName, sequence(bytes(0x82, Buffer.from(host))));
    return this.write(`${this.name}-${host}`, privateKey, this.certify(host, publicKey, hostName));
  }

  private certify(subject: string, publicKey: KeyObject, extensions: Buffer): Buffer {
    const algorithm = sequence(objectId(oid.ecdsaWithSha256));
    const content = sequence(
      context(0, integer(Buffer.of(2))),
      integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
      algorithm,
      names(oid.commonName, utf8(this.name)),
      sequence(time(new Date(Date.now() - hour)), time(new Date(Date.now() + 24 * hour))),
      names(oid.commonName, utf8(subject)),
      publicKey.export({ type: 'spki', format: 'der' }),
      context(3, sequence(extensions)),
    );
    return sequence(content, algorithm, bits(sign('sha256', content, this.privateKey)));
  }

  private write(name: string, privateKey: KeyObject, certificate: Buffer): Pair {
    const pair = { cert: path.join(this.folder, `${name}.crt`), key: path.join(this.folder, `${name}.key`) };
    const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
    writeFileSync(pair.cert, `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
    writeFileSync(pair.key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return pair;
  }
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), octets(value));
}
