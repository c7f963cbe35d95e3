export { canonicalJson, digestOf, type Json } from './digest.js';
export { writeFileDurably } from './durable-file.js';
export { ArtifactLostError } from './errors.js';
export { storeIdentity } from './identity.js';
export { identify, isAlive, type ProcessIdentity } from './process-identity.js';
export { ArtifactStore, type ArtifactDraft, type ArtifactKind, type Manifest } from './store.js';
