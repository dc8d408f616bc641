/** Who may import whom: the table of docs/architecture.md, checked. Type-only imports count as well. */
const layers = {
  errors: [],
  charts: ['errors'],
  failpoints: [],
  locks: ['errors'],
  logging: ['errors'],
  model: ['errors'],
  duckdb: ['model', 'errors'],
  http: ['errors', 'logging'],
  config: ['errors', 'logging'],
  auth: ['errors', 'failpoints', 'logging', 'http', 'config'],
  pipeline: ['model', 'errors', 'failpoints', 'logging'],
  sources: ['model', 'http', 'auth', 'config', 'errors', 'failpoints', 'logging'],
  iceberg: ['errors', 'failpoints', 'http', 'logging'],
  destinations: ['model', 'duckdb', 'config', 'errors', 'failpoints', 'http', 'locks', 'logging', 'iceberg'],
  analytics: ['model', 'duckdb', 'destinations', 'errors', 'iceberg', 'locks', 'logging'],
  testing: ['model', 'errors', 'failpoints', 'http', 'pipeline'],
};

const layerRules = Object.entries(layers).map(([layer, allowed]) => ({
  name: `${layer}-imports`,
  comment: `${layer}/ may import only: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: {
    path: `^src/${layer}/`,
    pathNot: '^src/destinations/sqlite/comdirect\\.ts$',
  },
  to: { path: '^src/', pathNot: `^src/(${[layer, ...allowed].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layerRules,
    {
      name: 'sources-apart',
      comment: 'A source never knows another source.',
      severity: 'error',
      from: { path: '^src/sources/([^/]+)/' },
      to: { path: '^src/sources/', pathNot: '^src/sources/$1/' },
    },
    {
      name: 'destinations-apart',
      comment:
        'A destination never knows another destination; nessie is that of Iceberg with another catalog.',
      severity: 'error',
      from: { path: '^src/destinations/([^/]+)/', pathNot: '^src/destinations/nessie/' },
      to: { path: '^src/destinations/', pathNot: '^src/destinations/$1/' },
    },
    {
      name: 'nessie-on-iceberg',
      severity: 'error',
      from: { path: '^src/destinations/nessie/' },
      to: { path: '^src/destinations/', pathNot: '^src/destinations/(nessie|iceberg)/' },
    },
    {
      name: 'sandbox-apart',
      comment: 'A connector never needs its sandbox, and the sandbox never the connector.',
      severity: 'error',
      from: { path: '^src/sources/([^/]+)/(?!sandbox/)' },
      to: { path: '^src/sources/[^/]+/sandbox/' },
    },
    {
      name: 'analysis-apart',
      comment: 'Analyses look at loaded tables; the connector never needs them, nor they the connector.',
      severity: 'error',
      from: { path: '^src/sources/([^/]+)/(?!analysis/)' },
      to: { path: '^src/sources/[^/]+/analysis/' },
    },
    {
      name: 'analysis-stands-alone',
      severity: 'error',
      from: { path: '^src/sources/[^/]+/analysis/' },
      to: { path: '^src/', pathNot: '^src/(sources/[^/]+/analysis|model|errors)/' },
    },
    {
      name: 'sandbox-stands-alone',
      severity: 'error',
      from: { path: '^src/sources/[^/]+/sandbox/' },
      to: { path: '^src/', pathNot: '^src/(sources/[^/]+/sandbox|errors|logging)/' },
    },
    {
      name: 'named-writers',
      comment:
        'The one exception: named writers may know the pure table definitions of their source, and shape rows as a run does.',
      severity: 'error',
      from: { path: '^src/destinations/sqlite/comdirect\\.ts$' },
      to: {
        path: '^src/',
        pathNot:
          '^src/(destinations/sqlite|model|config|errors|logging)/|^src/sources/comdirect/tables\\.ts$|^src/pipeline/row-shaper\\.ts$',
      },
    },
    {
      name: 'front-door',
      comment: 'The front door offers the core, never a connector.',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '^src/(sources|destinations|charts|analytics|cli|http|auth|testing)/' },
    },
    {
      name: 'nothing-imports-testing-or-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(testing|cli)/' },
      to: { path: '^src/(testing|cli)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'declared-dependencies',
      comment: 'The product imports only what package.json declares for users.',
      severity: 'error',
      from: { path: '^src/' },
      // Optional peers are dev dependencies as well, for the tests.
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        dependencyTypesNot: ['npm-peer'],
      },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6'],
  },
};
