/** Tells data from objects that hide what they hold. */

/** Whether `value` is an object whose fields are all of it: an object literal, or one without prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // Of another realm: under Jest, what fetch() gives is not of the realm of the tests.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** Whether `value` can be a row: a plain object, or one of a class that is not built in, as drivers of databases give. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (isPlainObject(value)) return true;
  return (
    typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]'
  );
}
