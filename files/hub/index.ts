/**
 * Models and datasets of a Hugging Face hub, in the cache that huggingface_hub and transformers share. Guarantees that files are
 * complete and match the hub's checksum, that a cached file of a known commit needs no request, and that the token goes only to the hub.
 */
export { checkBlob } from './cached.js';
export { fetchFile, type FetchFileRequest } from './fetch-file.js';
export { fetchModel, fetchModelConfig, type FetchModelRequest } from './fetch-model.js';
export type { DownloadProgress } from './download-blob.js';
export * from './errors.js';
export { describeRepository, repositoryFolder, type Repository } from './repository.js';
export { hubSettings, type HubSettings } from './settings.js';
export { publish, type Content, type Published } from './publish.js';
