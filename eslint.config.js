import tseslint from 'typescript-eslint';

/** DESIGN order: imports go down this list only. `worker.ts`, `cli/` and `report/` sit on top. */
const order = [
  'config', 'workflows', 'activities', 'pruning', 'models', 'engine', 'checkpoints', 'datasets', 'evaluation', 'artifacts', 'errors',
];

/** For each folder, the folders above it that it must not import from. */
const importRules = order.map((folder, position) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: [...order.slice(0, position), 'cli', 'report', 'bench', 'scripts', 'test'].map((above) => `**/${above}/**`),
            message: `${folder}/ may import only from folders below it (docs/architecture.md).`,
            allowTypeImports: false,
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.llm-barber/', '**/*.mjs', 'eslint.config.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  ...importRules,
);
