/** What several engines take of JSON Schema. Each function answers what such an engine would refuse, as `where: why`. */
type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A schema and every schema in it, with where it stands. */
function* every(schema: Schema, at = '#'): Generator<[at: string, schema: Schema]> {
  yield [at, schema];
  const { properties, items, anyOf, additionalProperties } = schema;
  if (isSchema(properties))
    for (const [name, member] of Object.entries(properties))
      if (isSchema(member)) yield* every(member, `${at}.${name}`);
  if (isSchema(items)) yield* every(items, `${at}[]`);
  if (isSchema(additionalProperties)) yield* every(additionalProperties, `${at}{}`);
  if (Array.isArray(anyOf)) for (const [nth, way] of anyOf.entries()) yield* every(way as Schema, `${at}|${nth}`);
}

const unknownIn = (known: readonly string[], at: string, schema: Schema) =>
  Object.keys(schema)
    .filter((keyword) => !known.includes(keyword))
    .map((keyword) => `${at}: ${keyword}`);

/** A schema as the SDKs of OpenAI make it strict: nothing else is allowed, and everything is required. */
function madeStrict(schema: Schema): Schema {
  const { properties, items } = schema;
  return {
    ...schema,
    ...(isSchema(items) && { items: madeStrict(items) }),
    ...(schema.type === 'object' && {
      additionalProperties: schema.additionalProperties ?? false,
      properties: Object.fromEntries(
        Object.entries((properties ?? {}) as Record<string, Schema>).map(([name, member]) => [
          name,
          madeStrict(member),
        ]),
      ),
      required: Object.keys((properties ?? {}) as object),
    }),
  };
}

const OPENAI =
  'type description enum const anyOf items properties required additionalProperties $ref $defs pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems'.split(
    ' ',
  );

/** Structured outputs of OpenAI: 5,000 members and 10 levels at most, every object closed, and none of any names. */
export function refusedByOpenAi(given: Schema): string[] {
  const all = [...every(madeStrict(given))];
  const problems = all.flatMap(([at, schema]) => [
    ...unknownIn(OPENAI, at, schema),
    ...(schema.type === 'object' && schema.additionalProperties !== false ? [`${at}: of any names`] : []),
    ...(at !== '#' && schema.type === 'object' && Object.keys(schema.properties as object).length === 0
      ? [`${at}: nothing can be in it`]
      : []),
    ...(typeof schema.pattern === 'string' && /\(\?|\\[pPbB]/.test(schema.pattern) ? [`${at}: ${schema.pattern}`] : []),
  ]);
  return all.length > 5_000 || all.some(([at]) => at.split(/[.[{]/).length > 10)
    ? [...problems, '#: too large']
    : problems;
}

const GEMINI =
  'type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength maxLength pattern anyOf propertyOrdering default items minimum maximum example'.split(
    ' ',
  );

/** The subset of OpenAPI 3.0 that `parameters` of a function declaration of Gemini takes. */
export const refusedByGemini = (given: Schema): string[] =>
  [...every(given)].flatMap(([at, schema]) => [
    ...unknownIn(GEMINI, at, schema),
    ...(typeof schema.type === 'string' ? [] : [`${at}: type ${JSON.stringify(schema.type)}`]),
    ...(schema.enum !== undefined && schema.type !== 'string' ? [`${at}: enum of ${schema.type}`] : []),
    ...(schema.type === 'array' && !isSchema(schema.items) ? [`${at}: items are missing`] : []),
    ...(schema.type === 'object' && at !== '#' && Object.keys((schema.properties ?? {}) as object).length === 0
      ? [`${at}: properties should be non-empty`]
      : []),
    ...(schema.type !== 'object' && (schema.properties ?? schema.required) !== undefined
      ? [`${at}: properties of ${schema.type}`]
      : []),
  ]);

/** The rules of a grammar in GBNF for values of a schema. Throws for what the converter of llama.cpp cannot express. */
export function grammarOf(schema: Schema): string {
  const rules = new Map([
    ['space', '| " " | "\\n" [ \\t]{0,20}'],
    ['char', '[^"\\\\\\x7F\\x00-\\x1F] | [\\\\] (["\\\\bfnrt] | "u" [0-9a-fA-F]{4})'],
    ['string', '"\\"" char* "\\"" space'],
    ['integer', '"-"? [0-9]{1,16} space'],
    ['number', '"-"? [0-9]{1,16} ("." [0-9]+)? space'],
    ['boolean', '("true" | "false") space'],
  ]);
  const literal = (text: string) => JSON.stringify(JSON.stringify(text));
  const ruleOf = (name: string, { type, description: _, enum: values, ...rest }: Schema): string => {
    const { properties = {}, required = [], items, ...more } = rest as Record<string, unknown>;
    if (Object.keys(more).length > 0) throw new Error(`${name}: ${Object.keys(more).join(', ')}`);
    if (Array.isArray(values)) rules.set(name, `(${values.map(literal).join(' | ')}) space`);
    else if (type === 'array') {
      if (!isSchema(items)) throw new Error(`${name}: items are missing`);
      const item = ruleOf(`${name}-item`, items);
      rules.set(name, `"[" space (${item} ("," space ${item})*)? "]" space`);
    } else if (type === 'object') {
      const members = Object.entries(properties as Record<string, Schema>).map(([member, inner]) => {
        const value = ruleOf(`${name}-${member}`, inner);
        rules.set(`${name}-${member}-kv`, `${literal(member)} space ":" space ${value}`);
        return (required as string[]).includes(member) ? `${name}-${member}-kv` : `(${name}-${member}-kv)?`;
      });
      rules.set(name, `"{" space ${members.join(' ("," space)? ')} "}" space`);
    } else if (typeof type === 'string' && rules.has(type)) return type;
    else throw new Error(`${name}: type ${JSON.stringify(type)}`);
    return name;
  };
  ruleOf('root', schema);
  return [...rules].map(([name, rule]) => `${name} ::= ${rule}`).join('\n');
}
