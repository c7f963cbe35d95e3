import { testReconstruction } from './reconstruction.js';

testReconstruction('wasm');
