export { artifactKinds, type ArtifactKind, type Manifest, type StoredArtifact } from './artifact.js';
export { keysIn, unreferenced, unusedSince } from './collect.js';
export { canonicalJson, digestOf, type Json } from './digest.js';
export { writeFileDurably } from './durable-file.js';
export { ArtifactLostError, StoreLocationError, StoreRefusedError, StoreUnreachableError } from './errors.js';
export { openStore, storeLocation } from './open-store.js';
export { identify, isAlive, isStopped, type ProcessIdentity } from './process-identity.js';
export type { Shelf } from './shelf.js';
export { ArtifactStore, type ArtifactDraft } from './store.js';
