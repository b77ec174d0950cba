import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'cdk.out/**', 'dist/**', '.kbroker/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/kit/closing-line-reporter.ts'],
  },
});
