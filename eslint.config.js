import tseslint from 'typescript-eslint';

/** Imports go down this list only. `worker.ts`, `tools/` and the other folders of `app/` sit on top. */
const order = [
  'workflows', 'activities', 'app/planning', 'app/config',
  'files/masks', 'files/checkpoints', 'files/datasets', 'files/hub', 'files/artifacts',
  'science/evaluation', 'science/methods', 'science/cost', 'science/models', 'science/engine',
  'errors',
];
const top = ['app/api', 'app/cli', 'app/operate', 'app/report', 'app/ui', 'tools', 'test'];
const within = (folders) => folders.map((folder) => `**/${folder}/**`);
/** Below science/methods/, too: a folder, and the folders that it must not import from. */
const methods = {
  'parts': ['initial', 'allocation', 'rebuild'],
  'rebuild/published': ['guarded', 'swaps', 'best'],
  'rebuild/guarded': ['swaps', 'best'],
  'rebuild/swaps': ['best'],
};
/** Within one room, paths are shorter: `../models/index.js`. */
const beside = (folder, folders) => {
  const room = folder.split('/')[0];
  return folders.filter((other) => other !== folder && other.startsWith(`${room}/`)).map((other) => `../${other.slice(room.length + 1)}/**`);
};

function importRule(folder, below = '', others = []) {
  const above = [...order.slice(0, order.indexOf(folder)), ...top];
  const patterns = [{ group: [...within(above), ...beside(folder, above)], message: `${folder}/ imports only from folders below it (docs/architecture.md).` }];
  if (others.length > 0) patterns.push({ group: within(others), message: `${below} imports nothing from ${others.join(', ')}.` });
  if (folder === 'workflows') {
    patterns.push({ group: within(order.slice(1)), allowTypeImports: true, message: 'Workflow code is deterministic: it imports types only.' });
    patterns.push({ group: ['node:*'], message: 'Workflow code is deterministic: it reads nothing from the machine.' });
  }
  if (folder.startsWith('science/')) {
    // The engine finds its libraries itself.
    const machine = folder === 'science/engine' ? [] : ['node:fs*'];
    patterns.push({ group: [...within(['files', 'app']), ...machine, '@temporalio/*'], message: 'science/ knows tensors, never files or Temporal.' });
  }
  if (folder.startsWith('files/')) {
    patterns.push({ group: within(['science']), message: 'files/ knows bytes, never tensors.' });
  }
  if (folder !== 'science/engine') {
    patterns.push({ group: ['@tensorflow/*'], message: 'Only science/engine/ knows which TensorFlow.js runs.' });
  }
  const rules = { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] };
  if (folder === 'science/methods' || folder === 'science/evaluation') {
    // What `tf.keep` keeps outlives a task that fails.
    rules['no-restricted-properties'] = ['error', { object: 'tf', property: 'keep', message: 'Use `keep` of science/engine/, which does not outlive the task.' }];
  }
  return { files: [`${folder}/${below}**/*.ts`], rules };
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
  ...order.map((folder) => importRule(folder)),
  ...Object.entries(methods).map(([folder, others]) => importRule('science/methods', `${folder}/`, others)),
);
