import tseslint from 'typescript-eslint';

/** Imports go down this list only. `worker.ts`, `app/cli/`, `app/report/`, `tools/bench/` and `tools/` sit on top. */
const order = [
  'workflows', 'activities', 'planning', 'evaluation', 'pruning', 'models', 'engine', 'masks', 'checkpoints', 'datasets', 'hub', 'config', 'artifacts', 'errors',
];
const top = ['cli', 'report', 'bench', 'scripts', 'test'];
const within = (folders) => folders.map((folder) => `**/${folder}/**`);

function importRule(folder) {
  const above = [...order.slice(0, order.indexOf(folder)), ...top];
  const patterns = [{ group: within(above), message: `${folder}/ imports only from folders below it (docs/architecture.md).` }];
  if (folder === 'workflows') {
    patterns.push({ group: within(order.slice(1)), allowTypeImports: true, message: 'Workflow code is deterministic: it imports types only.' });
    patterns.push({ group: ['node:*'], message: 'Workflow code is deterministic: it reads nothing from the machine.' });
  }
  if (folder === 'pruning' || folder === 'models' || folder === 'evaluation') {
    patterns.push({
      group: [...within(['masks', 'checkpoints', 'datasets', 'hub', 'artifacts']), 'node:fs*', '@temporalio/*'],
      message: `${folder}/ knows tensors, never files or Temporal.`,
    });
  }
  if (folder !== 'engine') {
    patterns.push({ group: ['@tensorflow/*'], message: 'Only engine/ knows which TensorFlow.js runs.' });
  }
  const rules = { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] };
  if (folder === 'pruning' || folder === 'evaluation') {
    // What `tf.keep` keeps outlives a task that fails.
    rules['no-restricted-properties'] = ['error', { object: 'tf', property: 'keep', message: 'Use `keep` of engine/, which does not outlive the task.' }];
  }
  return { files: [`${folder}/**/*.ts`], rules };
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.llm-barber/', '**/*.mjs', '**/*.cjs', 'eslint.config.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  ...order.map(importRule),
);
