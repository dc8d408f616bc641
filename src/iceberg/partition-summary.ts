/** What a manifest list tells of the partitions in a manifest, so that readers may pass it over. */
import type { ManifestEntry, PartitionSummary } from './data-file.ts';
import type { PartitionSpec } from './metadata.ts';
import { bindSpec } from './partition.ts';
import { compareCells } from './compare-cells.ts';
import { encodeSingleValue } from './single-value.ts';
import type { Cell, Schema } from './types.ts';

/** One summary a field of the spec, over the files that are still there. */
export function summarizePartitions(
  spec: PartitionSpec,
  schema: Schema,
  entries: readonly ManifestEntry[],
): PartitionSummary[] {
  return bindSpec(spec, schema).map(({ transform }, index) => {
    const type = transform.resultType;
    let containsNull = false;
    let containsNan = false;
    let min: Cell = null;
    let max: Cell = null;
    for (const { file } of entries) {
      const cell = file.partition[index] ?? null;
      if (cell === null) containsNull = true;
      else if (Number.isNaN(cell)) containsNan = true;
      else {
        if (min === null || compareCells(cell, min) < 0) min = cell;
        if (max === null || compareCells(cell, max) > 0) max = cell;
      }
    }
    const lowerBound = min === null ? undefined : encodeSingleValue(type, min);
    const upperBound = max === null ? undefined : encodeSingleValue(type, max);
    return {
      containsNull,
      containsNan,
      ...(lowerBound && { lowerBound }),
      ...(upperBound && { upperBound }),
    };
  });
}
