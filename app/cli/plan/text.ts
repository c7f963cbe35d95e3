import { engineText } from '../../../science/engine/engine-text.js';
import { bytesText } from '../../../errors/bytes-text.js';
import type { Capacity, Machine, Plan, PlannedStage } from '../../planning/index.js';
import { numberTable } from '../text-table.js';

export interface PlanFacts {
  name: string;
  model: { family: string; layers: number; parameters: number; fileBytes: number; weights: boolean };
  machine: Machine;
  plan: Plan;
  free: Capacity;
}

/** Formats seconds for a person. */
export function secondsText(seconds: number): string {
  if (seconds < 99.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  if (seconds < 5940) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(seconds < 36_000 ? 1 : 0)} h`;
}

/** Says how often hidden states are stored, and why. */
function hiddenText({ stages, maxLoss }: Plan): string {
  const sum = (amount: (writes: PlannedStage['hiddenWrites']) => number): number => stages.reduce((total, { hiddenWrites }) => total + amount(hiddenWrites), 0);
  const count = sum((writes) => writes.count);
  const loss = `a crash costs at most ${maxLoss} s of forwards (durability.maxLoss)`;
  if (count === 0) return `Hidden states are not stored: ${loss}.`;
  return `Hidden states are stored ${count} ${count === 1 ? 'time' : 'times'}, ${bytesText(sum(({ bytes }) => bytes))} in ${secondsText(sum(({ seconds }) => seconds))}${maxLoss === 0 ? '' : ' alongside the work'}: ${loss}.`;
}

/** Returns a line about the bytes that shards send through the store. */
function shardsText({ stages }: Plan): string {
  const shared = stages.flatMap(({ type, shards }) => (shards === undefined ? [] : [{ type, ...shards }]));
  if (shared.length === 0) return '';
  const each = shared.map(({ type, bytesPerLayer }) => `${bytesText(bytesPerLayer)} (${type})`).join(' and ');
  return `${shared[0].count} shards. The times assume that one worker has all of them. At most ${each} per layer go through the store.\n`;
}

function eventsText({ events: { total, executions, largest } }: Plan): string {
  const text = (count: number): string => count.toLocaleString('en-US');
  return `The history of the run on the Temporal server will have ${text(total)} events${executions === 1 ? '' : `, in about ${executions} executions of ${text(largest)} at most`}.`;
}

/** Formats a plan as a table, one line per stage. */
export function planText({ name, model, machine, plan, free }: PlanFacts): string {
  const apart = free.tensors;
  const engine = (bytes: number): string[] => (apart === undefined ? [] : [bytesText(bytes)]);
  const row = ({ type, what, units, seconds, host, tensors, disk, learnedFrom }: PlannedStage): string[] => [
    `${type} (${what})`, String(units), secondsText(seconds), bytesText(host), ...engine(tensors), bytesText(disk.kept), bytesText(disk.peak), learnedFrom === 0 ? '-' : `${learnedFrom} units`,
  ];
  const { total } = plan;
  const rows = [
    ['stage', 'activities', 'time', 'memory', ...(apart === undefined ? [] : [apart.of]), 'disk, left', 'disk, peak', 'learned from'],
    ...plan.stages.map(row),
    ['whole run', String(plan.stages.reduce((sum, { units }) => sum + units, 0)), secondsText(total.seconds), bytesText(total.host), ...engine(total.tensors), '', bytesText(total.disk), ''],
    ['free here', '', '', bytesText(free.host), ...engine(apart?.bytes ?? 0), '', bytesText(free.disk), ''],
  ];
  const millions = (model.parameters / 1e6).toPrecision(3);
  return [
    `${name}: ${model.family}, ${model.layers} layers, ${Number(millions)} million weights, ${bytesText(model.fileBytes)}${model.weights ? '' : ' (config.json only)'}\n`,
    `${engineText(machine.engine)}, ${Math.round(machine.speeds.flops / 1e9)} GFLOP/s (${machine.origin}${machine.busy === undefined ? '' : ', busy'})\n\n`,
    numberTable(rows),
    `\n${hiddenText(plan)}\n${shardsText(plan)}${eventsText(plan)}\n`,
  ].join('');
}
