/** The table format by itself: what the specification says, byte by byte, and what is refused. */
import { describe, expect, test } from 'vitest';
import { decodeAvro, encodeAvro } from '../../src/iceberg/avro.ts';
import { ColumnTally, emptyStatistics } from '../../src/iceberg/column-statistics.ts';
import { compareTexts } from '../../src/iceberg/compare-cells.ts';
import { mayMeet, meets } from '../../src/iceberg/conditions.ts';
import type { DataFile } from '../../src/iceberg/data-file.ts';
import { applyUpdates, holds } from '../../src/iceberg/metadata-update.ts';
import type { MetadataUpdate } from '../../src/iceberg/metadata-update.ts';
import { metadataText, parseMetadata, snapshotOf } from '../../src/iceberg/metadata.ts';
import type { TableMetadata } from '../../src/iceberg/metadata.ts';
import { avroName, newSpec, partitionKey } from '../../src/iceberg/partition.ts';
import { SchemaUpdate, newSchema } from '../../src/iceberg/schema.ts';
import { decodeSingleValue, encodeSingleValue } from '../../src/iceberg/single-value.ts';
import { transformOf } from '../../src/iceberg/transforms.ts';
import type { Cell } from '../../src/iceberg/types.ts';

const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString('hex');

// Appendix B of the specification; buckets are the hash's last 31 bits, modulo.
test.each<[string, Cell, number]>([
  ['int', 34, 2_017_239_379],
  ['long', 34n, 2_017_239_379],
  ['date', 17_486, -653_330_422],
  ['time', 81_068_000_000n, -662_762_989],
  ['timestamptz', 1_510_871_468_000_000n, -2_047_944_441],
  ['string', 'iceberg', 1_210_000_089],
  ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1_488_055_340],
  ['binary', Uint8Array.of(0, 1, 2, 3), -188_683_207],
  ['decimal(9,2)', 1420n, -500_754_589],
])('bucket of %s', (type, value, hash) => {
  const buckets = 2 ** 31 - 1;
  expect(transformOf(`bucket[${buckets}]`, type).apply(value)).toBe((hash & 0x7fffffff) % buckets);
});

test('transforms round down, below zero as well', () => {
  expect(transformOf('truncate[10]', 'int').apply(-1)).toBe(-10);
  expect(transformOf('truncate[10]', 'long').apply(-1n)).toBe(-10n);
  expect(transformOf('truncate[3]', 'string').apply('a𝄞bc')).toBe('a𝄞b');
  for (const name of ['year', 'month', 'day']) expect(transformOf(name, 'timestamp').apply(-1n)).toBe(-1);
  expect(transformOf('hour', 'timestamptz').apply(-1n)).toBe(-1);
  expect(transformOf('month', 'date').apply(-719_162)).toBe(-1969 * 12);
  expect(() => transformOf('day', 'string')).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
  expect(() => transformOf('bucket[0]', 'int')).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
});

test('values that no bound may be, and bytes of older types', () => {
  expect(encodeSingleValue('double', Number.NaN)).toBeUndefined();
  expect(decodeSingleValue('long', Uint8Array.of(5, 0, 0, 0))).toBe(5n);
  expect(decodeSingleValue('double', encodeSingleValue('float', 1.5) as Uint8Array)).toBe(1.5);
  expect(decodeSingleValue('int', Uint8Array.of(1))).toBeUndefined();
  expect(hex(encodeSingleValue('decimal(9,2)', -1n))).toBe('ff');
  expect(hex(encodeSingleValue('decimal(9,2)', 128n))).toBe('0080');
});

describe('bounds', () => {
  const boundsOf = (type: string, cells: readonly Cell[]): (string | undefined)[] => {
    const tally = new ColumnTally({ id: 1, name: 'c', required: false, type });
    tally.add(cells);
    const statistics = emptyStatistics();
    tally.report(statistics);
    return [
      hex(statistics.lowerBounds.get(1)),
      hex(statistics.upperBounds.get(1)),
      String(statistics.nullCounts.get(1)),
    ];
  };
  const text = (value: string): string => Buffer.from(value).toString('hex');

  test('of texts are cut to 16 characters, the upper one increased', () => {
    expect(boundsOf('string', ['b', null, 'a'.repeat(20)])).toEqual([text('a'.repeat(16)), text('b'), '1']);
    expect(boundsOf('string', ['a'.repeat(20)])[1]).toBe(text(`${'a'.repeat(15)}b`));
    expect(boundsOf('string', [`${'a'.repeat(15)}\u{10ffff}x`])[1]).toBe(text(`${'a'.repeat(14)}b`));
    expect(boundsOf('string', ['\u{10ffff}'.repeat(17)])[1]).toBeUndefined();
    expect(boundsOf('string', [`${'a'.repeat(15)}\ud7ffx`])[1]).toBe(text(`${'a'.repeat(15)}\ue000`));
    expect(boundsOf('string', ['𝄞'.repeat(16)])).toEqual([text('𝄞'.repeat(16)), text('𝄞'.repeat(16)), '0']);
  });

  test('are in the order of bytes, not of JavaScript', () => {
    // U+FF5E comes after the surrogates in UTF-16, and before what they stand for in UTF-8.
    expect(boundsOf('string', ['\uff5e', '𝄞'])).toEqual([text('\uff5e'), text('𝄞'), '0']);
    expect(Math.sign(compareTexts('\uff5e', '𝄞'))).toBe(-1);
    expect(boundsOf('binary', [Uint8Array.of(128), Uint8Array.of(1)]).slice(0, 2)).toEqual(['01', '80']);
    expect(boundsOf('binary', [new Uint8Array(20).fill(255)])[1]).toBeUndefined();
  });

  test('leave NaN out, and tell the two zeros apart', () => {
    const zero = (value: number): string | undefined => hex(encodeSingleValue('double', value));
    expect(boundsOf('double', [Number.NaN, 1, -0, 0])).toEqual([zero(-0), zero(1), '0']);
    expect(boundsOf('double', [0, -0])).toEqual([zero(-0), zero(0), '0']);
    expect(boundsOf('double', [Number.NaN])).toEqual([undefined, undefined, '0']);
  });
});

describe('schemas', () => {
  test('never use an id twice, and keep it through renaming', () => {
    const { schema, lastColumnId } = newSchema([
      { name: 'a', type: 'int' },
      { name: 'b', type: 'string' },
    ]);
    const update = new SchemaUpdate(schema, lastColumnId);
    update.drop('b').add({ name: 'b', type: 'long' }).rename('a', 'c').widen('c', 'long');
    expect(update.schema().fields.map(({ id, name, type }) => [id, name, type])).toEqual([
      [1, 'c', 'long'],
      [3, 'b', 'long'],
    ]);
    expect(update.lastColumnId).toBe(3);
    for (const wrong of [
      () => update.add({ name: 'c', type: 'int' }),
      () => update.widen('c', 'int'),
      () => update.drop('x'),
      () => update.rename('b', 'c'),
    ]) {
      expect(wrong).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
    }
  });

  test('keys are required columns of types that compare exactly', () => {
    const fields = [
      { name: 'id', type: 'long', required: true },
      { name: 'x', type: 'double', required: true },
    ];
    expect(newSchema(fields, ['id']).schema['identifier-field-ids']).toEqual([1]);
    expect(newSchema(fields, ['id', 'x']).schema['identifier-field-ids']).toBeUndefined();
  });

  test('partitions of the same column and transform keep their id over specs', () => {
    const { schema } = newSchema([
      { name: 'day', type: 'date' },
      { name: 'id', type: 'long' },
    ]);
    const first = newSpec(schema, [{ column: 'day', transform: 'month' }]);
    const known = { 'partition-specs': [first.spec], 'last-partition-id': first.lastPartitionId };
    const second = newSpec(
      schema,
      [
        { column: 'id', transform: 'bucket[4]' },
        { column: 'day', transform: 'month' },
      ],
      known,
    );
    expect(second.spec.fields.map((field) => [field['field-id'], field.name])).toEqual([
      [1001, 'id_bucket'],
      [1000, 'day_month'],
    ]);
    expect(second.spec['spec-id']).toBe(1);
    expect(() => newSpec(schema, [{ column: 'nowhere' }])).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID' }),
    );
  });

  test('partition keys and names are told apart', () => {
    expect(new Set([[null], ['null'], [1n], ['1'], [1]].map((cells) => partitionKey(cells))).size).toBe(5);
    expect(partitionKey(['a,b', 'c'])).not.toBe(partitionKey(['a', 'b,c']));
    expect([avroName('a-b c'), avroName('9lives'), avroName('ok_1')]).toEqual([
      'a_x2Db_x20c',
      '_9lives',
      'ok_1',
    ]);
  });
});

describe('metadata', () => {
  const creation: readonly MetadataUpdate[] = [
    { action: 'assign-uuid', uuid: 'u' },
    { action: 'upgrade-format-version', 'format-version': 2 },
    { action: 'set-location', location: 'file:///t' },
    { action: 'add-schema', schema: newSchema([{ name: 'id', type: 'long' }]).schema, 'last-column-id': 1 },
    { action: 'set-current-schema', 'schema-id': -1 },
    { action: 'add-spec', spec: { 'spec-id': 0, fields: [] } },
    { action: 'set-default-spec', 'spec-id': -1 },
  ];
  const snapshot = (id: bigint, number: bigint) => ({
    'snapshot-id': id,
    'sequence-number': number,
    'timestamp-ms': 5,
    'manifest-list': 'file:///t/l.avro',
    summary: { operation: 'append' } as const,
  });
  const withSnapshots = (...ids: bigint[]): TableMetadata =>
    applyUpdates(
      applyUpdates(undefined, creation, 1),
      ids.flatMap((id, i): MetadataUpdate[] => [
        { action: 'add-snapshot', snapshot: snapshot(id, BigInt(i + 1)) },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      ]),
      2,
    );

  test('comes back from its text with all digits of its ids', () => {
    const metadata = withSnapshots(7_718_385_231_452_839_021n, 5n);
    const read = parseMetadata(metadataText(metadata), 'here');
    expect(read).toEqual(metadata);
    expect(snapshotOf(read)?.['snapshot-id']).toBe(5n);
    expect(metadataText(metadata)).toContain('7718385231452839021');
  });

  test('of version 1 is read; -1 and null are no snapshot', () => {
    const schema = { type: 'struct', fields: [] };
    const old = {
      'format-version': 1,
      'table-uuid': 'u',
      location: 'file:///t',
      schema,
      'partition-spec': [],
      'current-snapshot-id': -1,
    };
    const read = parseMetadata(JSON.stringify(old), 'here');
    expect([read['current-snapshot-id'], read.refs, read['last-sequence-number']]).toEqual([
      undefined,
      {},
      0n,
    ]);
    expect(parseMetadata(JSON.stringify({ ...old, 'current-snapshot-id': null }), 'here').refs).toEqual({});
    const change: MetadataUpdate = { action: 'set-properties', updates: { a: 'b' } };
    expect(() => applyUpdates(read, [change], 3)).toThrow(expect.objectContaining({ code: 'DEST_FOREIGN' }));
    const upgrade: MetadataUpdate = { action: 'upgrade-format-version', 'format-version': 2 };
    expect(applyUpdates(read, [upgrade, change], 3).properties).toEqual({ a: 'b' });
  });

  test.each([
    ['', 'DEST_CORRUPT'],
    ['{"format-version":3}', 'DEST_FOREIGN'],
    ['{"format-version":2}', 'DEST_CORRUPT'],
    ['[]', 'DEST_FOREIGN'],
    ['null', 'DEST_CORRUPT'],
  ])('%j is refused', (text, code) => {
    expect(() => parseMetadata(text, 'here')).toThrow(expect.objectContaining({ code }));
  });

  test('requirements', () => {
    const metadata = withSnapshots(9n);
    const ref = (id: bigint | null, name = 'main') =>
      ({ type: 'assert-ref-snapshot-id', ref: name, 'snapshot-id': id }) as const;
    expect(holds(ref(9n), metadata)).toBe(true);
    expect(holds(ref(8n), metadata)).toBe(false);
    expect(holds(ref(null), metadata)).toBe(false);
    expect(holds(ref(null, 'other'), metadata)).toBe(true);
    expect(holds({ type: 'assert-create' }, metadata)).toBe(false);
    expect(holds({ type: 'assert-create' }, undefined)).toBe(true);
    expect(holds({ type: 'assert-table-uuid', uuid: 'x' }, metadata)).toBe(false);
    expect(holds({ type: 'assert-table-uuid', uuid: 'u' }, undefined)).toBe(false);
  });

  test('changes that can not be made', () => {
    const metadata = withSnapshots(9n);
    const wrong: MetadataUpdate[] = [
      { action: 'add-snapshot', snapshot: snapshot(9n, 2n) },
      { action: 'add-snapshot', snapshot: snapshot(10n, 1n) },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 77n },
      { action: 'remove-snapshots', 'snapshot-ids': [9n] },
      { action: 'upgrade-format-version', 'format-version': 1 },
      { action: 'set-current-schema', 'schema-id': 5 },
    ];
    for (const update of wrong) {
      expect(() => applyUpdates(metadata, [update], 3)).toThrow(
        expect.objectContaining({ code: 'SCHEMA_INVALID' }),
      );
    }
  });

  test('forgotten snapshots go from the log, with all that was before them', () => {
    const metadata = applyUpdates(
      withSnapshots(1n, 2n, 3n),
      [{ action: 'remove-snapshots', 'snapshot-ids': [2n] }],
      3,
    );
    expect(metadata['snapshot-log'].map((item) => item['snapshot-id'])).toEqual([3n]);
    expect(metadata.snapshots.map((item) => item['snapshot-id'])).toEqual([1n, 3n]);
  });

  test('time never goes back', () => {
    expect(applyUpdates(withSnapshots(1n), [], -5)['last-updated-ms']).toBe(2);
  });
});

describe('Avro files', () => {
  const schema = { type: 'record', name: 'r', fields: [{ name: 'n', type: 'long', 'field-id': 1 }] };
  const bytes = encodeAvro(schema, { key: 'value' }, [{ n: 2n ** 62n }, { n: -1n }]);

  test('keep 64 bits, field ids and their header', () => {
    const file = decodeAvro(bytes, 'here');
    expect(file.records.map((record) => record['n'])).toEqual([2n ** 62n, -1n]);
    expect([file.header.get('key'), file.schema]).toEqual(['value', schema]);
    expect(decodeAvro(encodeAvro(schema, {}, []), 'here').records).toEqual([]);
  });

  test('that are cut off or damaged anywhere are refused', () => {
    for (let length = 0; length < bytes.length; length++) {
      // Without its only block a file is a whole one that is empty.
      if (
        Buffer.from(bytes)
          .subarray(length - 16, length)
          .equals(Buffer.from(bytes).subarray(-16))
      )
        continue;
      expect(() => decodeAvro(bytes.subarray(0, length), 'here'), String(length)).toThrow(
        expect.objectContaining({ code: 'DEST_CORRUPT' }),
      );
    }
  });
});

describe('conditions', () => {
  const field = { id: 1, name: 'n', required: false, type: 'int' };
  const file = (lower: number | undefined, upper: number | undefined, nulls = 0n): DataFile => {
    const statistics = emptyStatistics();
    if (lower !== undefined) statistics.lowerBounds.set(1, encodeSingleValue('int', lower) as Uint8Array);
    if (upper !== undefined) statistics.upperBounds.set(1, encodeSingleValue('int', upper) as Uint8Array);
    statistics.valueCounts.set(1, 10n);
    statistics.nullCounts.set(1, nulls);
    return {
      content: 'data',
      location: 'x',
      format: 'PARQUET',
      specId: 0,
      partition: [],
      recordCount: 10n,
      fileSizeBytes: 1n,
      statistics,
    };
  };
  const spec = { 'spec-id': 0, fields: [] };
  const ops = ['=', '!=', '<', '<=', '>', '>='] as const;

  test('a file is passed over only when none of its values can meet them', () => {
    for (let lower = 0; lower < 4; lower++) {
      for (let upper = lower; upper < 4; upper++) {
        for (const op of ops) {
          for (let value = -1; value < 5; value++) {
            const condition = { field, op, value };
            const any =
              [lower, upper].some((cell) => meets(condition, cell)) ||
              (upper - lower > 1 && meets(condition, lower + 1)) ||
              (upper - lower > 2 && meets(condition, lower + 2));
            const may = mayMeet(file(lower, upper), spec, [condition]);
            if (any) expect(may, `${lower}..${upper} ${op} ${value}`).toBe(true);
            else if (op !== '!=') expect(may, `${lower}..${upper} ${op} ${value}`).toBe(false);
          }
        }
      }
    }
    expect(mayMeet(file(undefined, undefined), spec, [{ field, op: '=', value: 1 }])).toBe(true);
    expect(mayMeet(file(1, 1, 10n), spec, [{ field, op: '=', value: 1 }])).toBe(false);
    expect(mayMeet(file(1, 1, 0n), spec, [{ field, op: 'is null' }])).toBe(false);
    expect(mayMeet(file(1, 1, 1n), spec, [{ field, op: 'is null' }])).toBe(true);
  });

  test('null meets only what asks for it, NaN only what asks for another value', () => {
    expect(ops.map((op) => meets({ field, op, value: 1 }, null))).toEqual(ops.map(() => false));
    expect([meets({ field, op: 'is null' }, null), meets({ field, op: 'is not null' }, 1)]).toEqual([
      true,
      true,
    ]);
    expect(ops.map((op) => meets({ field, op, value: 1 }, Number.NaN))).toEqual([
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
