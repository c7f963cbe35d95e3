export { pipeline } from './pipeline.js';
export { sweep } from './sweep.js';
export { search } from './search.js';
