// Which part of src may import which; ARCHITECTURE.md says why. test/architecture/check.ts runs these rules, and sees
// to it that each one fires on the bad tree in test/architecture/fixture.

const ADAPTERS = '^src/(kube|prometheus|csv|telemetry|report|state)/';
const COMPOSITION_ROOT = '^src/(main[.]ts$|cli/)';

/** The packages may be imported from these folders of src only. */
function confined(name, comment, { packages, to }) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: '^src/', pathNot: to },
    to: { path: `node_modules/(${packages})/` },
  };
}

/** The folder may import itself and what is listed, and nothing else: no package, no part of Node. */
function closed(name, comment, { folder, not = [], allowed }) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: folder, pathNot: not },
    to: { pathNot: [folder, ...allowed] },
  };
}

module.exports = {
  forbidden: [
    closed(
      'recommend-is-pure',
      'The recommender decides on plain numbers: no Kubernetes, no HTTP, no clock, no logger.',
      { folder: '^src/recommend/', allowed: ['node_modules/simple-statistics/'] },
    ),
    closed('resize-adds-recommend-only', 'Like the recommender, which it may use.', {
      folder: '^src/resize/',
      allowed: ['^src/recommend/'],
    }),
    closed(
      'backtest-is-pure',
      'A replay decides and judges on plain numbers, like what it replays.',
      {
        folder: '^src/backtest/',
        allowed: ['^src/recommend/', 'node_modules/simple-statistics/'],
      },
    ),
    closed('api-is-a-leaf', 'The API is made of schemas and pure functions.', {
      folder: '^src/api/',
      not: ['^src/api/crdgen[.]ts$'],
      allowed: ['node_modules/zod/'],
    }),
    closed('crdgen-writes-yaml', 'The generator of CRDs is the part of the API that does I/O.', {
      folder: '^src/api/crdgen[.]ts$',
      allowed: ['^src/api/', 'node_modules/yaml/', '^(node:)?fs$'],
    }),
    closed(
      'controller-knows-ports-only',
      'The loop reaches the world through its ports. Of Node it has what does no I/O.',
      {
        folder: '^src/controller/',
        allowed: [
          '^src/(api|recommend|resize)/',
          'node_modules/croner/',
          '^(node:)?(crypto|util|zlib)$',
        ],
      },
    ),
    closed('state-is-in-files', 'What is kept over restarts is read and written there alone.', {
      folder: '^src/state/',
      allowed: ['^src/(controller|recommend)/', '^(node:)?(crypto|path|zlib|fs/promises)$'],
    }),
    {
      name: 'adapters-stay-apart',
      comment: 'An adapter implements ports; two of them are joined by the composition root only.',
      severity: 'error',
      from: { path: ADAPTERS },
      to: { path: ADAPTERS, pathNot: '^src/$1/' },
    },
    {
      name: 'nobody-imports-the-composition-root',
      severity: 'error',
      from: { path: '^src/', pathNot: COMPOSITION_ROOT },
      to: { path: COMPOSITION_ROOT },
    },
    confined('kubernetes-in-kube', 'One adapter speaks to Kubernetes.', {
      packages: '@kubernetes/client-node|undici',
      to: '^src/kube/',
    }),
    confined('axios-in-prometheus', 'One adapter speaks to Prometheus.', {
      packages: 'axios',
      to: '^src/prometheus/',
    }),
    confined('metrics-and-logs-in-telemetry', 'The others are handed what they need.', {
      packages: 'prom-client|pino',
      to: '^src/telemetry/',
    }),
    confined('croner-in-controller', 'The loop knows when windows open; the others are told.', {
      packages: 'croner',
      to: '^src/controller/',
    }),
    confined('options-in-the-composition-root', 'The others are handed values.', {
      packages: 'commander',
      to: COMPOSITION_ROOT,
    }),
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment:
        'A module that imports nothing and that nobody imports. Types of a package are found by its name.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '[.]d[.]ts$' },
      to: {},
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'everything-is-found',
      comment: 'What cannot be resolved escapes the rules above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // Also imports of types, which Node never sees.
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
