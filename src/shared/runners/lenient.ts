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
