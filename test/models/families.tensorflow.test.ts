import { testFamilyLogits } from './family-logits.js';

await testFamilyLogits('tensorflow');
