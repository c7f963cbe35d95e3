/** Version of this package. */
export { packageVersion as version } from '../../activities/package-version.js';
