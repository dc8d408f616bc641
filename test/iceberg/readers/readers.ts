/** Readers of Iceberg tables that share no code with this library: PyIceberg, and DuckDB's extension. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../../../scripts/services/python.ts';

/** A catalog as PyIceberg is told of it. */
export interface CatalogProperties {
  readonly name: string;
  readonly uri: string;
  readonly [property: string]: string;
}

/** Rows as texts that say every digit. */
export interface TextRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

type Answer = Record<string, unknown>;

/** What DuckDB is told of a REST catalog. */
export interface RestAddress {
  /** Before `/v1`. */
  readonly endpoint: string;
  readonly warehouse: string;
  /** `http://HOST:PORT` of its storage. */
  readonly s3: string;
}

/** A Python process that reads and writes Iceberg tables. */
export class Readers {
  readonly #child: ReturnType<typeof spawn>;
  readonly #waiting: ((line: string) => void)[] = [];

  private constructor(python: string) {
    const script = fileURLToPath(new URL('server.py', import.meta.url));
    this.#child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#waiting.shift()?.(line),
    );
    this.#child.on('exit', () => {
      for (const answer of this.#waiting.splice(0)) answer('{"error":"the Python process has ended"}');
    });
  }

  static async start(): Promise<Readers> {
    const requirements = new URL('../../../scripts/services/requirements-iceberg.txt', import.meta.url);
    return new Readers(await pythonEnvironment(fileURLToPath(requirements)));
  }

  /** Does something; rejects with Python's words. */
  async call(op: string, request: Answer): Promise<Answer> {
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin?.write(`${JSON.stringify({ op, ...request })}\n`);
    });
    const answer = JSON.parse(line) as Answer;
    if (typeof answer['error'] === 'string') throw new Error(`${op}: ${answer['error']}`);
    return answer;
  }

  async pyicebergRows(catalog: CatalogProperties, table: string, more: Answer = {}): Promise<TextRows> {
    return (await this.call('pyiceberg_rows', { catalog, table, ...more })) as unknown as TextRows;
  }

  async duckdbRows(metadata: string): Promise<TextRows> {
    return (await this.call('duckdb_rows', { metadata })) as unknown as TextRows;
  }

  /** By DuckDB's extension, through the REST of a catalog. */
  async duckdbRestRows(catalog: RestAddress, table: string): Promise<TextRows> {
    return (await this.call('duckdb_rest_rows', { ...catalog, table })) as unknown as TextRows;
  }

  close(): void {
    this.#child.stdin?.end();
  }
}
