/** Buttons that control a run. They are plain forms, so they also work without the script. */
import { html } from 'hono/html';
import type { Piece } from '../../report/page/document.js';
import type { LiveView } from '../../report/view/live-view.js';
import { stageNames } from '../../report/costs-table.js';
import type { RunFacts } from '../facts.js';
import { runPath } from './paths.js';

export const actions = ['pause', 'resume', 'cancel', 'retry'] as const;
export type Action = (typeof actions)[number];

export function controls({ isOpen, isPaused }: LiveView, facts: RunFacts, formToken: string): Piece {
  const form = (action: Action, button: string, more: Piece | string = ''): Piece =>
    html`<form class="action" method="post" action="${runPath(facts.workflowId)}/${action}"><input type="hidden" name="token" value="${formToken}">${more}<button>${button}</button></form>`;
  if (!isOpen) return html`<div class="buttons"><details class="menu"><summary>Retry</summary><div>${form('retry', 'Start again', from(facts))}</div></details></div>`;
  const hold = isPaused ? form('resume', 'Resume') : form('pause', 'Pause');
  return html`<div class="buttons">${hold}<details class="menu"><summary>Cancel</summary><div><p>Finished layers are kept. The layer in flight is lost.</p>${form('cancel', 'Cancel the run')}</div></details></div>`;
}

/** The choice of stages to recompute. */
function from({ pipeline, status }: RunFacts): Piece {
  const isComplete = status === 'completed' || status === 'gate failed';
  return html`<p>Finished work is found in the store.</p>
<label>Compute again <select name="from">${isComplete ? '' : html`<option value="">only what is missing</option>`}${(pipeline?.stages ?? []).map(({ type }, index) =>
    html`<option value="${index + 1}">from stage ${index + 1}, ${stageNames[type]}</option>`)}</select></label>`;
}
