import { loadSearch } from '../../config/index.js';
import type { SearchResult } from '../../../workflows/search-protocol.js';
import { commandText, stateWords } from '../command-text.js';
import { searchNames } from '../sweep/run-group.js';
import type { RunGroupKind } from '../sweep/kind.js';
import { searchIdOf, searchRequestFor } from './request.js';
import { showSearch } from './show.js';

export const searches: RunGroupKind<SearchResult> = {
  ...searchNames,
  idOf: (file, { set, allowFloating }) => searchIdOf(searchRequestFor(loadSearch(file, set, { allowFloating }))),
  show: showSearch,
  goOn: (_, { state }) => commandText(['search', 'run', 'FILE', ...stateWords(state)]),
};
