/** The cost of a run, its outputs, how to use them, and how to reproduce it. */
import { html } from 'hono/html';
import type { PipelineResult } from '../../../workflows/protocol.js';
import type { Pipeline } from '../../config/pipeline.js';
import { bytesText } from '../../../errors/bytes-text.js';
import { pluralize, formatDuration, formatInteger } from '../format.js';
import { costRows, costsNote } from '../costs-table.js';
import { originRows } from '../origin-rows.js';
import { pipelineFile } from '../pipeline-file.js';
import { planNote, planTable } from '../plan-table.js';
import { describeStage } from '../stages-text.js';
import { isPlanned, planRows } from '../view/plan-view.js';
import type { FileView, RunView } from '../view/run-view.js';
import { tableOf, type Piece } from './document.js';
import { shellWord } from '../shell-word.js';

export function timeSection({ seconds }: RunView, result: PipelineResult): Piece {
  const { reused } = result;
  const rows = planRows(result);
  const most = Math.max(...rows.map(({ seconds: own, planned = 0 }) => Math.max(own, planned)));
  const share = (own: number): string => `${most === 0 ? '0' : ((100 * own) / most).toFixed(2)}%`;
  const hasPlan = isPlanned(rows);
  const isFound = rows.some(({ found }) => found > 0);
  const bars = html`<div class="bars">${rows.map(({ name, seconds: own, made, found, planned }) => html`<span>${name}</span>
<span class="bar${planned === undefined ? '' : ' planned'}" style="--planned:${share(planned ?? 0)}"><i style="width:${share(made)};background:var(--rebuilt)"></i>${found > 0 ? html`<i style="width:${share(found)};background:var(--found)"></i>` : ''}</span><span class="v">${formatDuration(own)}</span>`)}
<b>total</b><span></span><b class="v">${formatDuration(seconds)}</b></div>
${hasPlan || isFound ? html`<div class="legend"><span><i style="color:var(--rebuilt)"></i>made</span>${isFound ? html`<span><i style="color:var(--found)"></i>found</span>` : ''}${hasPlan ? html`<span><b>┃</b>predicted</span>` : ''}</div>` : ''}`;
  const stored = reused === 0 ? 'Nothing was found in the artifact store.' : `${pluralize(reused, 'piece')} ${reused === 1 ? 'was' : 'were'} found in the artifact store.`;
  return html`<section class="${hasPlan ? '' : 'half'}"><h2>Time${hasPlan ? ' and memory, compared with the plan' : ''}</h2>
<p class="note">${stored} ${planNote}</p>
${hasPlan || isFound ? html`<div class="panels wide"><div>${bars}</div><div>${tableOf('Time and memory by stage', planTable(result))}</div></div>` : bars}</section>`;
}

/** How the time was spent inside the stages. */
export function costsSection(result: PipelineResult): Piece | string {
  const rows = costRows(result);
  if (rows.length === 0) return '';
  return html`<section><h2>Where the time went</h2><p class="note">${costsNote}</p>
${tableOf('Where the time went', rows, 1)}</section>`;
}

export function incidentsSection({ incidents = [] }: PipelineResult): Piece | string {
  if (incidents.length === 0) return '';
  return html`<section><h2>Incidents</h2><p class="note">What happened during the run. None of it changed the result.</p>
${tableOf('Incidents', [['time', 'what'], ...incidents.map(({ at, what }) => [at.slice(0, 19).replace('T', ' '), what])], 2)}</section>`;
}

export function filesSection(files: readonly FileView[]): Piece {
  const digests = files.flatMap(({ path, sha256 }) => (sha256 === undefined ? [] : [`${sha256}  ${path}`]));
  return html`<section class="half"><h2>Files</h2><p class="note">Links are relative, so the folder can be moved as a whole.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Files"><table><thead><tr><th scope="col">file</th><th scope="col" class="n">size</th><th scope="col" class="n">SHA-256</th></tr></thead>
<tbody>${files.map(({ path, bytes, sha256 }) => html`<tr><td class="path"><a href="${encodeURI(path)}">${path}</a></td><td class="n" title="${bytes === undefined ? '' : `${formatInteger(bytes)} bytes`}">${bytes === undefined ? '' : bytesText(bytes)}</td><td class="n">${sha256 === undefined ? '' : html`<code>${sha256.slice(0, 12)}…</code>`}</td></tr>`)}</tbody>
</table></div>
${digests.length === 0 ? '' : html`<details><summary>Full digests, in the format of sha256sum -c</summary><pre>${digests.join('\n')}</pre></details>`}</section>`;
}

export function useSection({ checkpoint, mask, lock }: PipelineResult): Piece {
  const verify = html`<h3>Check it again, byte for byte</h3><pre>npx temporal-pipeline mask verify ${shellWord(checkpoint)}</pre>`;
  return html`<section class="half"><h2>Use it</h2>
<p class="note">The checkpoint is an ordinary Hugging Face folder${mask === '' ? '' : ' with zeros in it'}.</p>
<pre>from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(
    ${JSON.stringify(checkpoint)}, torch_dtype="auto")</pre>
${mask === '' ? '' : verify}
${lock === undefined ? '' : html`<h3>Run it again: the same bits, or an error that says what differs</h3><pre>npx temporal-pipeline run PIPELINE.yaml --locked ${shellWord(lock)}</pre>`}</section>`;
}

export function originSection(result: PipelineResult, pipeline: Pipeline): Piece {
  const { model } = result;
  return html`<section><h2>How it was made</h2>
<p class="note">${model.source}: ${formatInteger(model.parameters)} parameters, ${formatInteger(model.prunable)} of them prunable.</p>
<ol>${pipeline.stages.map((stage) => html`<li>${describeStage(stage).replaceAll('`', '')}</li>`)}</ol>
<details><summary>Engine, digests and paths</summary>${tableOf('Origin', [['what', 'value'], ...originRows(result).map(({ name, value }) => [name, value])], 2)}</details>
<details><summary>The pipeline with all defaults</summary><pre>${pipelineFile(pipeline)}</pre></details></section>`;
}
