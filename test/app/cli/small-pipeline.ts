import path from 'node:path';
import { demoFolder } from '../../helpers/demo-run.js';

/** Text of a pipeline on the demo model that runs in about a second. */
export const smallPipeline = `version: 1
name: small
model: { source: ${path.join(demoFolder, 'model')} }
stages:
  - calibration: { dataset: { file: ${path.join(demoFolder, 'calibration.txt')} }, samples: 8, sequenceLength: 32 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { strategy: published }
  - evaluation: { perplexity: [{ dataset: { file: ${path.join(demoFolder, 'heldout.txt')} }, maxWindows: 4 }] }
`;
