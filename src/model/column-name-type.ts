/** Column names in types: the counterpart of `columnName`. */

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';
/** What a name of ASCII has beside letters, digits and `_`. */
type Sign =
  | ' '
  | '!'
  | '"'
  | '#'
  | '$'
  | '%'
  | '&'
  | "'"
  | '('
  | ')'
  | '*'
  | '+'
  | ','
  | '-'
  | '.'
  | '/'
  | ':'
  | ';'
  | '<'
  | '='
  | '>'
  | '?'
  | '@'
  | '['
  | '\\'
  | ']'
  | '^'
  | '`'
  | '{'
  | '|'
  | '}'
  | '~';

/** `camelCase` -> `snake_case`. Carries its result along (`Done`): names may be long. */
export type SnakeCase<
  S extends string,
  Previous extends string = '',
  Done extends string = '',
> = S extends `${infer C}${infer Rest}`
  ? SnakeCase<
      Rest,
      C,
      C extends Lowercase<C>
        ? C extends Sign
          ? Previous extends Sign
            ? Done
            : `${Done}_`
          : `${Done}${C}`
        : `${Done}${Break<Previous, Rest>}${Lowercase<C>}`
    >
  : Done extends `${Digit}${string}`
    ? `_${Done}`
    : Done;

/** What stands before a capital letter: `_` where a word begins. */
type Break<Previous extends string, Rest extends string> = Previous extends Digit
  ? '_'
  : Previous extends Lowercase<Previous>
    ? Previous extends Uppercase<Previous>
      ? ''
      : '_'
    : Rest extends `${infer Next}${string}`
      ? Next extends Uppercase<Next>
        ? ''
        : '_'
      : '';

/** Names that a field may not take from the library get an `x`. A name of more than 100 characters is cut at run time. */
export type ColumnName<Name extends string> = Name extends
  `_plumbing_${string}` | `_inserted_at_${string}` | '_valid_from_ts' | '_valid_to_ts' | `__proto__${string}`
  ? `x${Name}`
  : Name;
