import { test } from 'vitest';
import { readFileSync } from 'node:fs';
import { describeProblems, parsePipeline, PipelineFileError, loadPipeline } from '../config/index.js';
test('x', () => {
  for (const f of ['demo','llama13b','opt13b']) { const r = loadPipeline(`pipelines/${f}.yaml`); console.log(JSON.stringify(r)); }
  for (const t of readFileSync('/tmp/t/cases.txt','utf8').split('=====\n')) {
    const [a, ...o] = t.split('\n').reverse().filter(l=>l.startsWith('!!set '));
    const text = t.split('\n').filter(l=>!l.startsWith('!!set ')).join('\n');
    try { const r = parsePipeline({ text, path: '/p/x.yaml', overrides: t.split('\n').filter(l=>l.startsWith('!!set ')).map(l=>l.slice(6)) }); console.log('OK', JSON.stringify(r.warnings), JSON.stringify(r.pipeline)); }
    catch (e) { if (!(e instanceof PipelineFileError)) throw e; console.log(describeProblems(e, text) + '\n--- ' + e.message); }
  }
});
