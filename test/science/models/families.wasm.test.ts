import { testFamilyLogits } from './family-logits.js';

testFamilyLogits('wasm');
