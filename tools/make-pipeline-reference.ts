/**
 * Writes docs/pipeline-reference.md from schemas/pipeline.schema.json. A test compares the two.
 * Run it after `npm run build`: `node dist/tools/make-pipeline-reference.js`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectation } from '../app/config/schema-problems.js';
import { dereference, pipelineSchema } from '../app/config/schema.js';
import type { Schema } from '../app/config/schema.js';

const introduction = `# The pipeline file

<!-- Made by tools/make-pipeline-reference.ts from schemas/pipeline.schema.json: change the schema, then run it again. -->

A pipeline is one YAML file. Its first line, as below, lets editors with the YAML language server complete and check it.
\`temporal-pipeline validate FILE\` checks it and reports line and column of every problem.

Relative paths start from the folder of the file. \`--set PATH=VALUE\` overrides a value:

* PATH starts at the top (\`model.source\`, \`stages.1.initialMask.sparsity\`), or with the name of a stage
  (\`initialMask.sparsity\`: the first stage of that name).
* VALUE is YAML. Relative paths in it start from the current folder.
`;

/** Returns the reference as Markdown. @param example text of a pipeline that shows the syntax */
export function pipelineReference(schema: Schema, example: string): string {
  const sections = [section('The file', schema), ...Object.entries(schema.properties ?? {}).flatMap(([key, value]) => nested(key, value))];
  for (const [name, stage] of Object.entries(schema.$defs?.['stage']?.properties ?? {})) sections.push(section(`Stage \`${name}\``, dereference(stage)));
  for (const name of ['dataset', 'allocation', 'perplexity', 'zeroShot', 'gate']) sections.push(section(`\`${schema.$defs?.[name]?.title ?? name}\``, schema.$defs?.[name] ?? {}));
  return `${introduction}\n\`\`\`yaml\n${example.trimEnd()}\n\`\`\`\n\n${sections.join('\n')}`;
}

function nested(key: string, schema: Schema): string[] {
  const target = dereference(schema);
  if (target.type !== 'object') return [];
  const below = Object.entries(target.properties ?? {}).flatMap(([name, value]) => nested(`${key}.${name}`, value));
  return [section(`\`${key}\``, target), ...below];
}

function section(title: string, schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([key, property]) => row(key, dereference(property), schema.required?.includes(key) === true));
  return [`## ${title}`, '', schema.description ?? '', '', '| key | value | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function row(key: string, schema: Schema, required: boolean): string {
  const choices = schema.enumDescriptions?.map((description, index) => `\`${schema.enum?.[index]}\`: ${description}`) ?? [];
  const meaning = [schema.description ?? '', ...choices].join('<br>');
  const fallback = required ? 'required' : schema.default === undefined ? '' : `\`${JSON.stringify(schema.default).replace(/"/g, '')}\``;
  return `| ${[`\`${key}\``, kind(schema), fallback, meaning].map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
}

function kind(schema: Schema): string {
  if (schema.type === 'object') return `mapping, see \`${schema.title ?? 'below'}\``.replace('see `below`', 'see below');
  if (schema.type === 'array' && schema.items?.$ref !== undefined) return `list, each as in \`${dereference(schema.items).title ?? ''}\``;
  return expectation(schema);
}

const root = (path: string) => resolve(process.cwd(), path);
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(root('docs/pipeline-reference.md'), pipelineReference(pipelineSchema, readFileSync(root('pipelines/demo.yaml'), 'utf8')));
}
