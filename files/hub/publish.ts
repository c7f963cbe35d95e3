import { pathToFileURL } from 'node:url';
import { readFile } from 'node:fs/promises';
import { commit, createRepo, type CommitOperation } from '@huggingface/hub';
import { sha256Of } from '../artifacts/index.js';
import { expectedDigest, newHash } from './blob-digest.js';
import { RepositoryNotFoundError } from './errors.js';
import { remoteFiles, pin, type RemoteFile } from './list-files.js';
import { checkMayWrite } from './may-write.js';
import type { Repository } from './repository.js';
import { hubFetch } from './request.js';
import type { HubSettings } from './settings.js';

/** The content of a published file: a file on this machine, or a text. */
export type Content = { file: string } | { text: string };

export interface PublishRequest {
  /** `organisation/name`. Created if it does not exist. */
  repository: string;
  branch: string;
  /** Whether a new repository is private. */
  private: boolean;
  /** Contents by their paths in the repository. */
  files: ReadonlyMap<string, Content>;
  /** Whether a path in the repository is to be removed if it is not in `files`. */
  isOutdated: (path: string) => boolean;
  /** First line of the commit's message. */
  title: string;
  /** SHA-256 of files, if already known, by their paths on this machine. */
  known?: ReadonlyMap<string, string>;
  onProgress?: (what: string) => void;
  signal?: AbortSignal;
}

export interface Published {
  repository: string;
  /** The page of the repository. */
  url: string;
  commit: string;
  /** Paths that the commit changed or removed; empty if nothing had to change. */
  changed: string[];
}

/**
 * Commits files to a branch of a repository. Files with the same digest on the hub are not sent again; if nothing differs, there is
 * no commit. After an interruption, call it again: the hub keeps the large files that it has received completely.
 * @throws HubAccessError without a token that may write, RevisionNotFoundError if the branch is missing, HubUnreachableError, HubProtocolError
 */
export async function publish(request: PublishRequest, settings: HubSettings): Promise<Published> {
  const { repository, branch, onProgress = () => undefined } = request;
  const subject: Repository = { type: 'model', repository, revision: branch };
  checkMayWrite(settings, subject);
  onProgress('comparing with the hub');
  const { head, changes } = await compare(request, subject, settings);
  const url = `${settings.endpoint}/${repository}`;
  if (changes.length === 0) return { repository, url, commit: head, changed: [] };
  try {
    const made = await commit({
      repo: { type: 'model', name: repository }, branch, title: request.title, parentCommit: head, hubUrl: settings.endpoint,
      operations: changes.map((path) => operation(path, request.files.get(path))),
      // Without Xet, a file is sent as a whole, and the hub can say later which files it has.
      useXet: false,
      fetch: sending(settings, subject, onProgress),
      ...(request.signal !== undefined && { abortSignal: request.signal }),
    });
    return { repository, url, commit: made?.commit.oid ?? '', changed: changes };
  } catch (error) {
    // The commit may have succeeded although its response was lost.
    const after = await compare(request, subject, settings).catch(() => undefined);
    if (after === undefined || after.changes.length > 0) throw error;
    return { repository, url, commit: after.head, changed: changes };
  }
}

/** Returns the paths that differ between the branch and `files`. Creates the repository if it does not exist. */
async function compare({ files, isOutdated, known, ...request }: PublishRequest, subject: Repository, settings: HubSettings): Promise<{ head: string; changes: string[] }> {
  const pinned = await pin(subject, settings).catch(async (error: unknown) => {
    if (!(error instanceof RepositoryNotFoundError)) throw error;
    const asked = { repo: { type: 'model', name: request.repository }, private: request.private, hubUrl: settings.endpoint, fetch: hubFetch(settings, { ...subject, writes: true }) } as const;
    // `fetch` adds the token, because the library only accepts tokens of Hugging Face's own hub.
    await createRepo(asked as typeof asked & { accessToken: string });
    return await pin(subject, settings);
  });
  const remote = new Map((await remoteFiles(pinned, settings)).map((file) => [file.path, file]));
  const changes: string[] = [];
  for (const [path, content] of files) {
    const there = remote.get(path);
    if (there === undefined || !(await isSame(content, there, known))) changes.push(path);
  }
  return { head: pinned.commit, changes: [...changes, ...[...remote.keys()].filter((path) => !files.has(path) && isOutdated(path))] };
}

async function isSame(content: Content, { checksum }: RemoteFile, known: ReadonlyMap<string, string> = new Map()): Promise<boolean> {
  if ('sha256' in checksum && 'file' in content) {
    return (known.get(content.file) ?? (await sha256Of(content.file))) === checksum.sha256;
  }
  const bytes = 'file' in content ? await readFile(content.file) : Buffer.from(content.text);
  return newHash({ checksum, size: bytes.length }).update(bytes).digest('hex') === expectedDigest({ checksum });
}

function operation(path: string, content: Content | undefined): CommitOperation {
  if (content === undefined) return { operation: 'delete', path };
  return { operation: 'addOrUpdate', path, content: 'file' in content ? pathToFileURL(content.file) : new Blob([content.text]) };
}

/** Slowest upload in bytes per second before it counts as cut. The response comes only after the whole upload. */
const slowest = 50_000;

/** Like {@link hubFetch}, but with more time for large bodies. A commit is not retried: the caller checks whether it succeeded. */
function sending(settings: HubSettings, subject: Repository, onProgress: (what: string) => void): typeof fetch {
  return async (input, init = {}) => {
    const bytes = init.body instanceof Blob ? init.body.size : 0;
    if (init.method === 'PUT') onProgress(`sending ${Math.ceil(bytes / 1e6)} MB`);
    const patient = { ...settings, idleMs: settings.idleMs + (bytes / slowest) * 1000 };
    const url = input instanceof Request ? input.url : String(input);
    const once = /\/commit\/[^/]+$/.test(new URL(url).pathname);
    return await hubFetch(patient, { ...subject, writes: true, ...(once && { attempts: 1 }) })(input, init);
  };
}
