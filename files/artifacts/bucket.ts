import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand, S3Client,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { bucketFault, isAbsent, isRefusedCondition } from './bucket-faults.js';

/** Smallest part of an upload in bytes, and the largest number of parts. S3 allows at most 10,000 parts of at least 5 MiB. */
const smallestPart = 16 * 2 ** 20;
const maxParts = 9_000;

export interface BucketObject {
  key: string;
  bytes: number;
  /** Milliseconds since the epoch, by the bucket's clock. */
  changedAt: number;
}

/**
 * The objects of an S3 bucket below a prefix. The SDK finds endpoint, region and credentials in its usual way (environment, profile files,
 * instance roles). Writes carry checksums, which the server compares.
 * All methods throw StoreUnreachableError or StoreRefusedError if a request fails.
 */
export class Bucket {
  private readonly client: S3Client;

  /** @param prefix empty, or ends in `/` */
  constructor(
    readonly bucket: string,
    readonly prefix: string,
    environment: NodeJS.ProcessEnv = process.env,
  ) {
    // The SDK's warnings about future Node versions do not concern our users.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const ownEndpoint = (environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'] ?? '') !== '';
    this.client = new S3Client({
      maxAttempts: 4,
      // Callers compare SHA-256 digests of their own, and know what to do if they differ.
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Servers other than Amazon's seldom have a host name for each bucket.
      forcePathStyle: ownEndpoint,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
      // Other servers accept any region, but the SDK requires one.
      ...(ownEndpoint && (environment['AWS_REGION'] ?? '') === '' && { region: 'us-east-1' }),
    });
  }

  get name(): string {
    return `s3://${this.bucket}/${this.prefix}`;
  }

  private at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: this.prefix + key };
  }

  private async asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw bucketFault(error, this.name, what);
    }
  }

  /** Reads a small object; undefined if there is none. `version` changes with every write. */
  async text(key: string): Promise<{ text: string; version: string } | undefined> {
    return await this.asked(`read ${key}`, async () => {
      const found = await this.client.send(new GetObjectCommand(this.at(key))).catch(ifAbsent);
      return found && { text: (await found.Body?.transformToString()) ?? '', version: versionOf(found) };
    });
  }

  /**
   * Writes a small object.
   * @param condition `absent`: write only if there is no such object; a version of {@link text}: write only if it is still that version.
   * Servers that do not support conditions always write
   * @returns whether it was written
   */
  async put(key: string, text: string, condition?: 'absent' | { version: string }): Promise<boolean> {
    return await this.asked(`write ${key}`, async () => {
      const object = { ...this.at(key), Body: text };
      const when = condition === 'absent' ? { IfNoneMatch: '*' } : condition && { IfMatch: condition.version.split(' ')[0] };
      try {
        await this.client.send(new PutObjectCommand({ ...object, ...when }));
      } catch (error) {
        // If the object is gone, its version cannot match.
        if (isRefusedCondition(error) || (when !== undefined && isAbsent(error))) return false;
        if (when === undefined || (error as { name?: string }).name !== 'NotImplemented') throw error;
        await this.client.send(new PutObjectCommand(object));
      }
      return true;
    });
  }

  /** Uploads a file, in parts if it is large. The object becomes visible only when it is complete. */
  async upload(key: string, file: string): Promise<void> {
    const { size } = await stat(file);
    const body = createReadStream(file);
    try {
      await this.asked(`write ${key}`, () =>
        new Upload({ client: this.client, params: { ...this.at(key), Body: body }, partSize: Math.max(smallestPart, Math.ceil(size / maxParts)), queueSize: 3 }).done(),
      );
    } finally {
      body.destroy();
    }
  }

  /**
   * Reads an object piece by piece; undefined if there is none.
   * @param from offset of the first byte to read; less than the object's size
   */
  async download(key: string, from = 0): Promise<AsyncIterable<Uint8Array> | undefined> {
    const range = from === 0 ? {} : { Range: `bytes=${from}-` };
    const found = await this.asked(`read ${key}`, () => this.client.send(new GetObjectCommand({ ...this.at(key), ...range })).catch(ifAbsent));
    return found && this.pieces(key, found.Body as Readable);
  }

  /** Turns errors in the middle of a body into faults, too: the connection may break after the SDK's call has returned. */
  private async *pieces(key: string, body: Readable): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of body) yield piece as Uint8Array;
    } catch (error) {
      throw bucketFault(error, this.name, `read ${key}`);
    } finally {
      body.destroy();
    }
  }

  /** Reads version (see {@link text}), size and date (ms since the epoch, bucket's clock) of an object; undefined if there is none. */
  async head(key: string): Promise<{ version: string; bytes: number; changedAt: number } | undefined> {
    const found = await this.asked(`read ${key}`, () => this.client.send(new HeadObjectCommand(this.at(key))).catch(ifAbsent));
    return found && { version: versionOf(found), bytes: found.ContentLength ?? 0, changedAt: found.LastModified?.getTime() ?? -Infinity };
  }

  /** All objects whose keys start with `start`. */
  async *list(start: string): AsyncGenerator<BucketObject> {
    let token: string | undefined;
    do {
      const page = await this.asked('list', () => this.client.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: this.prefix + start, ContinuationToken: token })));
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) yield { key: Key.slice(this.prefix.length), bytes: Size, changedAt: LastModified?.getTime() ?? 0 };
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** Removes objects. Keys without an object are ignored. */
  async remove(keys: readonly string[]): Promise<void> {
    for (let first = 0; first < keys.length; first += 1000) {
      const Objects = keys.slice(first, first + 1000).map((key) => ({ Key: this.prefix + key }));
      const { Errors = [] } = await this.asked('remove', () => this.client.send(new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } })));
      const refused = Errors.find(({ Code }) => Code !== 'NoSuchKey');
      if (refused !== undefined) throw bucketFault({ name: refused.Code, message: refused.Message }, this.name, `remove ${refused.Key}`);
    }
  }

  /** Aborts old multipart uploads that never ended: their parts take space that no listing shows. */
  async abortUploads(before: number): Promise<void> {
    await this.asked('list uploads', async () => {
      let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
      while (marker !== undefined) {
        const page: ListMultipartUploadsCommandOutput = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: this.prefix, ...marker }));
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          if ((Initiated?.getTime() ?? Infinity) < before) await this.client.send(new AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId }));
        }
        marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
      }
    });
  }
}

function ifAbsent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}

const versionOf = ({ ETag, LastModified }: { ETag?: string | undefined; LastModified?: Date | undefined }): string => `${ETag} ${LastModified?.getTime()}`;
