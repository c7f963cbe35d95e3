export { pipeline } from './pipeline.js';
export { sweep } from './sweep.js';
