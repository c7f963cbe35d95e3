export { accuracyRows } from './accuracies.js';
/** Reports about finished runs, and the format of numbers in them. */
export { formatChange, pluralize, formatDuration, formatNumber, formatInteger, formatPercent } from './format.js';
export { gapClosed } from '../../workflows/gap-closed.js';
export { failedGates, gateRows, quantityFigure } from './gates.js';
export { deviceText } from './origin-rows.js';
export { perplexityRows } from './perplexities.js';
export { pipelineFile } from './pipeline-file.js';
export { renderReport } from './report.js';
export { markdownTable } from './markdown.js';
export { subBlockName, mergeExperts } from './sub-blocks.js';
export { countText } from './sweep-count.js';
export { searchRows, searchTable } from './search-table.js';
export { sweepCsv, sweepRows } from './sweep-table.js';
