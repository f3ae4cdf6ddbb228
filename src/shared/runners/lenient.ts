import { z } from 'zod';

/** Fields of CLI output: one of another shape than today's is passed over instead of spoiling its line. */
export const count = z.number().optional().catch(undefined);
export const words = z.string().optional().catch(undefined);
export const truth = z.boolean().optional().catch(undefined);

/** An object of such fields, itself lenient. */
export const part = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).optional().catch(undefined);

/** A whole JSON text of a form; undefined for any other. */
export function parsedAs<Form>(form: z.ZodType<Form>, text: string): Form | undefined {
  try {
    return form.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The members that are there: a CLI that does not tell an amount has not spent zero. */
export function told<Members extends Readonly<Record<string, unknown>>>(members: Members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Members]?: Exclude<Members[Key], undefined>;
  };
}
