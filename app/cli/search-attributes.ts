import type { Client } from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import { labelKeys, searchAttributesOf } from '../../workflows/run-labels.js';
import type { RunLabels } from './run-labels.js';
import { usesLocalServer } from './session.js';

/** A type's name for the Temporal CLI, and its number on the wire. */
const typeNames = { KEYWORD: 'Keyword', DOUBLE: 'Double', KEYWORD_LIST: 'KeywordList' } as const;
const typeNumbers = { KEYWORD: 2, DOUBLE: 4, KEYWORD_LIST: 7 } as const;

const all = Object.values(labelKeys).map(({ name, type }) => ({ name, cliType: typeNames[type], wireType: typeNumbers[type] }));

/** What a person can do about search attributes that a server does not know. */
export const registerHint = `To find runs by model, sparsity, pattern, method and gate in Temporal's web page, an administrator must register these search attributes once: ${['temporal operator search-attribute create', ...all.map(({ name, cliType }) => `--name ${name} --type ${cliType}`)].join(' ')}`;

export interface LabelledSearch {
  /** Search attributes for those labels that the server knows with our types. */
  attributes: SearchAttributePair[];
  /** False if the server does not know all of them, or does not answer. */
  complete: boolean;
}

/**
 * Returns the labels as search attributes. The server refuses a start with an attribute that it does not know, so it is asked first. If it
 * may not be asked, there are no attributes. Unknown attributes are registered only on a local server, which is ours.
 */
export async function searchAttributesFor(client: Client, labels: RunLabels): Promise<LabelledSearch> {
  let known = await knownNames(client);
  if (known.size < all.length && usesLocalServer()) {
    await register(client, known);
    known = await knownNames(client);
  }
  return { attributes: searchAttributesOf(labels).filter(({ key }) => known.has(key.name)), complete: known.size === all.length };
}

/** Names of our attributes that the server knows, with our types. */
async function knownNames(client: Client): Promise<Set<string>> {
  const { connection } = client;
  const { namespace } = client.options;
  try {
    const { customAttributes } = await connection.withDeadline(Date.now() + 5_000, () => connection.operatorService.listSearchAttributes({ namespace }));
    return new Set(all.filter(({ name, wireType }) => Number(customAttributes[name]) === wireType).map(({ name }) => name));
  } catch {
    return new Set();
  }
}

async function register(client: Client, known: ReadonlySet<string>): Promise<void> {
  const { connection } = client;
  const searchAttributes = Object.fromEntries(all.filter(({ name }) => !known.has(name)).map(({ name, wireType }) => [name, wireType]));
  // Somebody else may do the same at this moment. The caller asks the server again.
  await connection
    .withDeadline(Date.now() + 5_000, () => connection.operatorService.addSearchAttributes({ namespace: client.options.namespace, searchAttributes }))
    .catch(() => undefined);
}
