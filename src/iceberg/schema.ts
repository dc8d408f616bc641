/** Schemas: finding fields, and changing them without ever using an id twice. */
import { PlumbingError } from '../errors/index.ts';
import { decimalOf, sameType } from './types.ts';
import type { IcebergType, NestedField, Schema } from './types.ts';

/** A column to be made; its id is given by {@link SchemaUpdate} or {@link newSchema}. */
export interface NewField {
  readonly name: string;
  readonly type: IcebergType;
  readonly required?: boolean;
  readonly doc?: string;
}

/** A schema for a new table, with ids from 1 on, and the highest id. `identifier` names the columns of the key. */
export function newSchema(
  fields: readonly NewField[],
  identifier: readonly string[] = [],
): { readonly schema: Schema; readonly lastColumnId: number } {
  const update = new SchemaUpdate(undefined, 0);
  for (const field of fields) update.add(field);
  update.setIdentifier(identifier);
  return { schema: { ...update.schema(), 'schema-id': 0 }, lastColumnId: update.lastColumnId };
}

/** The top-level column of a name. */
export function fieldByName(schema: Schema, name: string): NestedField | undefined {
  return schema.fields.find((field) => field.name === name);
}

/** The field of an id, at any depth. */
export function fieldById(schema: Schema, id: number): NestedField | undefined {
  return allFields(schema.fields).find((field) => field.id === id);
}

/** All fields, those inside of other fields included; elements, keys and values count as fields of these names. */
export function allFields(fields: readonly NestedField[]): NestedField[] {
  return fields.flatMap((field) => [field, ...innerFields(field.type)]);
}

function innerFields(type: IcebergType): NestedField[] {
  return allFields(partsOf(type));
}

/** The fields that a type is made of. */
export function partsOf(type: IcebergType): NestedField[] {
  if (typeof type === 'string') return [];
  if (type.type === 'struct') return [...type.fields];
  if (type.type === 'list') {
    return [
      { id: type['element-id'], name: 'element', required: type['element-required'], type: type.element },
    ];
  }
  return [
    { id: type['key-id'], name: 'key', required: true, type: type.key },
    { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value },
  ];
}

/** Whether values of `from` may be read as `to` (Iceberg specification, "Schema Evolution"). */
export function canPromote(from: IcebergType, to: IcebergType): boolean {
  if (sameType(from, to)) return true;
  if (from === 'int' && to === 'long') return true;
  if (from === 'float' && to === 'double') return true;
  const a = decimalOf(from);
  const b = decimalOf(to);
  return a !== undefined && b !== undefined && a.scale === b.scale && a.precision <= b.precision;
}

/** Changes to the columns of a table, made one by one and taken together. */
export class SchemaUpdate {
  #fields: NestedField[];
  #identifier: readonly number[];
  #lastColumnId: number;

  /** Starts from a schema; `lastColumnId` is the table's, which is at least the highest id that was ever used. */
  constructor(schema: Schema | undefined, lastColumnId: number) {
    this.#fields = [...(schema?.fields ?? [])];
    this.#identifier = schema?.['identifier-field-ids'] ?? [];
    this.#lastColumnId = lastColumnId;
  }

  get lastColumnId(): number {
    return this.#lastColumnId;
  }

  /** The schema, but for its id. */
  schema(): Omit<Schema, 'schema-id'> {
    return {
      type: 'struct',
      fields: this.#fields,
      ...(this.#identifier.length > 0 && { 'identifier-field-ids': this.#identifier }),
    };
  }

  /** Adds a column at the end. In a table that has rows it must not be `required`: older rows lack it. */
  add({ name, type, required = false, doc }: NewField): this {
    if (this.#fields.some((field) => field.name === name))
      throw invalid(`there is a column "${name}" already`);
    const id = this.#nextId();
    this.#fields.push({ id, name, required, type: this.#numbered(type), ...(doc !== undefined && { doc }) });
    return this;
  }

  /** Gives a column another name; its id, and so its values, stay. */
  rename(from: string, to: string): this {
    if (this.#fields.some((field) => field.name === to)) throw invalid(`there is a column "${to}" already`);
    return this.#change(from, (field) => ({ ...field, name: to }));
  }

  /** Removes a column. One that is added later under the same name is another column. */
  drop(name: string): this {
    const { id } = this.#field(name);
    if (this.#identifier.includes(id)) throw invalid(`column "${name}" is part of the key`);
    this.#fields = this.#fields.filter((field) => field.id !== id);
    return this;
  }

  /** Gives a column a wider type: int to long, float to double, a decimal more digits before the point. */
  widen(name: string, type: IcebergType): this {
    const from = this.#field(name).type;
    if (!canPromote(from, type)) {
      throw invalid(`column "${name}" can not go from ${JSON.stringify(from)} to ${JSON.stringify(type)}`);
    }
    return this.#change(name, (field) => ({ ...field, type }));
  }

  /** Puts another column in the place of one: of the same name perhaps, but without its values. */
  replace(name: string, { name: newName, type, required = false, doc }: NewField): this {
    const id = this.#nextId();
    const next = {
      id,
      name: newName,
      required,
      type: this.#numbered(type),
      ...(doc !== undefined && { doc }),
    };
    return this.#change(name, () => next);
  }

  /** Lets a column be empty. */
  makeOptional(name: string): this {
    return this.#change(name, (field) => ({ ...field, required: false }));
  }

  /** Puts the columns in this order; those not named follow. */
  order(names: readonly string[]): this {
    const placed = names.map((name) => this.#field(name));
    this.#fields = [...placed, ...this.#fields.filter((field) => !placed.includes(field))];
    return this;
  }

  /** Names the columns that tell rows apart: required ones, of types other than float and double. */
  setIdentifier(names: readonly string[]): this {
    const fields = names.map((name) => this.#field(name));
    const isAble = ({ required, type }: NestedField): boolean =>
      required && typeof type === 'string' && type !== 'float' && type !== 'double';
    this.#identifier = fields.every(isAble) ? fields.map((field) => field.id) : [];
    return this;
  }

  #field(name: string): NestedField {
    const field = this.#fields.find((candidate) => candidate.name === name);
    if (field) return field;
    throw invalid(`there is no column "${name}"`);
  }

  #change(name: string, change: (field: NestedField) => NestedField): this {
    const known = this.#field(name);
    this.#fields = this.#fields.map((field) => (field === known ? change(field) : field));
    return this;
  }

  #nextId(): number {
    this.#lastColumnId++;
    return this.#lastColumnId;
  }

  /** The type with new ids for all its parts. */
  #numbered(type: IcebergType): IcebergType {
    if (typeof type === 'string') return type;
    if (type.type === 'struct') {
      const ids = type.fields.map(() => this.#nextId());
      return {
        ...type,
        fields: type.fields.map((field, i) => ({
          ...field,
          id: ids[i] as number,
          type: this.#numbered(field.type),
        })),
      };
    }
    if (type.type === 'list') {
      return { ...type, 'element-id': this.#nextId(), element: this.#numbered(type.element) };
    }
    const ids = { 'key-id': this.#nextId(), 'value-id': this.#nextId() };
    return { ...type, ...ids, key: this.#numbered(type.key), value: this.#numbered(type.value) };
  }
}

function invalid(what: string): PlumbingError {
  return new PlumbingError('SCHEMA_INVALID', `the columns can not be changed: ${what}`);
}
