import { z } from 'zod';

/** A schema as clients and models are given it: only keywords that every engine understands that was met. */
type PortableSchema = Record<string, unknown> & {
  type: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
};

/** The schema of arguments, or of an answer. */
export type PortableObject = PortableSchema & { type: 'object' };

/** What zod makes of our schemas, as far as it is looked at. */
interface Full {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly items?: Full;
  readonly properties?: Readonly<Record<string, Full>>;
  readonly required?: string[];
  readonly anyOf?: readonly Full[];
  /** Given with `.meta`: taken all the same, but no client is told of it. */
  readonly advertised?: boolean;
  /** Given with `.meta`: what its members mean is told elsewhere. */
  readonly terse?: boolean;
}

/**
 * The arguments of a tool in portable keywords. Bounds, patterns and what goes together are checked by us and told in
 * words: some engines refuse what they do not know. A map of any names is told as JSON text, which is taken like the map:
 * OpenAI's strict mode empties such maps, and Gemini refuses them. Defaults are in the descriptions, since some clients
 * drop the keyword.
 */
export function portableInput(input: z.ZodObject): PortableObject {
  return portableObject(fullSchema(input, 'input'), false);
}

/** The members of an answer that decide what to do next, loosely: whatever else an answer has is allowed. */
export function portableOutput(output: z.ZodObject, tells: readonly string[]): PortableObject {
  const { properties = {} } = fullSchema(output, 'output');
  const told = Object.entries(properties).filter(([name]) => tells.includes(name));
  return { type: 'object', properties: Object.fromEntries(told.map(([name, member]) => [name, outline(member)])) };
}

const fullSchema = (schema: z.ZodObject, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as unknown as Full;

function portableObject({ properties = {}, required = [] }: Full, terse: boolean): PortableObject {
  const told = Object.entries(properties).filter(([, { advertised = true }]) => advertised);
  const members = told.map(([name, member]) => [name, portable(member, terse)] as const);
  return { type: 'object', properties: Object.fromEntries(members), ...(required.length > 0 && { required }) };
}

function portable(full: Full, terse: boolean): PortableSchema {
  const { properties, enum: values, default: fallback } = full;
  const items = full.items ?? choicesOf(full)[0]?.items;
  const type = typeOf(full);
  const isMap = type === 'object' && !properties;
  const { description } = full;
  const usual = fallback === undefined ? description : [description, `default ${fallback}`].filter(Boolean).join('; ');
  const words = isMap ? [usual, 'as JSON text'].filter(Boolean).join('; ') : usual;
  const about = { ...(words !== undefined && !terse && { description: words }) };
  if (isMap) return { type: 'string', ...about };
  if (type === 'object') return { ...portableObject(full, terse), ...about };
  return {
    type,
    ...about,
    ...(values && { enum: values }),
    ...(items && { items: portable(items, terse || full.terse === true) }),
  };
}

/** The shape of a member without what is in it. */
function outline(full: Full): PortableSchema {
  const { description, items, enum: values } = full;
  const type = typeOf(full);
  return {
    type,
    ...(description !== undefined && { description }),
    ...(values && type === 'string' && { enum: values }),
    ...(type === 'array' && items && { items: { type: typeOf(items) } }),
  };
}

/** Null is taken for what is not given, so of a choice with it the rest is told; of several kinds, that of the first. */
function typeOf(full: Full): PortableSchema['type'] {
  const [first] = choicesOf(full);
  const own = full.type ?? (first ? typeOf(first) : 'object');
  return own as PortableSchema['type'];
}

const choicesOf = ({ anyOf = [] }: Full) => anyOf.filter(({ type }) => type !== 'null');
