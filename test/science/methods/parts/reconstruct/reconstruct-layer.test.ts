import { testReconstruction } from './reconstruction.js';

testReconstruction('auto');
