/**
 * Models and datasets of a Hugging Face hub, in the cache that huggingface_hub and transformers share. Promises that what it
 * gives is whole and has the hub's checksum, that a pinned file in the cache costs no request, and that the token goes to the hub only.
 */
export { checkBlob } from './cached.js';
export { fetchFile, type FetchFileRequest } from './fetch-file.js';
export { fetchModel, fetchModelConfig, type FetchModelRequest } from './fetch-model.js';
export type { DownloadProgress } from './download-blob.js';
export * from './errors.js';
export { describeRepository, repositoryFolder, type Repository } from './repository.js';
export { hubSettings, type HubSettings } from './settings.js';
export { publish, type Content, type Published } from './publish.js';
