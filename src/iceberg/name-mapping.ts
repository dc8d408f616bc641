/** Name mapping: which column of a file without field ids is which (Iceberg specification, "Column Projection"). */

/** The table property that holds it. */
export const nameMappingProperty = 'schema.name-mapping.default';

/** One column: its id, and the names that it has in files. */
export interface MappedField {
  readonly 'field-id'?: number;
  readonly names: readonly string[];
  readonly fields?: readonly MappedField[];
}

/** The columns of a table. */
export type NameMapping = readonly MappedField[];

/** The mapping in a table's properties; `undefined` without one, or when it is no JSON. */
export function readNameMapping(properties: Readonly<Record<string, string>>): NameMapping | undefined {
  const text = properties[nameMappingProperty];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as NameMapping;
  } catch {
    return undefined;
  }
}

/** What a mapping says of the column of a name. */
export function mappedField(mapping: NameMapping | undefined, name: string): MappedField | undefined {
  return mapping?.find(({ names }) => names.includes(name));
}
