import { testFamilyLogits } from './family-logits.js';

testFamilyLogits('tensorflow');
