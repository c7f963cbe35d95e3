import { it } from 'vitest';
import { storyText } from '../../scripts/demo/text.js';
import { vocabulary } from '../../scripts/demo/tokenizer-files.js';
it('x', () => { const t = storyText(1, 100000); console.log(t.text.split('\n').slice(0, 8).join('\n')); console.log(t.tokens, t.text.split('\n').length, t.grammarPerplexity, vocabulary(t.text).size, t.text.length / t.tokens); const v = vocabulary(storyText(2, 1000000).text); console.log(v.size);});
