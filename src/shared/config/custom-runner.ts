import { z } from 'zod';
import { variableName } from './checks.js';

const dottedPath = z.string().regex(/^[\w-]+(\.[\w-]+)*$/, 'must be names with dots, such as error.message');

/** How the output of a custom runner is read. */
export const customOutput = z.strictObject({
  format: z.enum(['json-lines', 'json', 'text']),
  sessionId: dottedPath.optional(),
  result: dottedPath.optional(),
  error: dottedPath.optional(),
  /** In the last message only: without it exit 0 is not a success, and a program that lives on after it is ended. */
  ended: dottedPath.optional(),
});

/** A runner that the operator of a worker describes in the configuration file. */
export const customRunner = z.strictObject({
  title: z.string().optional(),
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  /** How the prompt reaches the program. An argument is capped at 128 KiB by the kernel and is visible in `ps`. */
  prompt: z.enum(['stdin', 'argument']).default('stdin'),
  install: z.string().optional(),
  versionArgs: z.array(z.string()).optional(),
  modes: z.array(z.string()).optional(),
  /** Used when a session is resumed; `{sessionId}` is replaced. */
  resumeArgs: z.array(z.string()).optional(),
  /** Literal values, or `$NAME`: a variable of the worker's own environment. */
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'is not the name of a variable'), z.string()).default({}),
  /** What it is given of the worker's environment besides what every program is; `*` at the end of a name: all that begin so. */
  inherits: z.array(variableName).default([]),
  output: customOutput.default({ format: 'text' }),
});
export type CustomRunner = z.infer<typeof customRunner>;

/** The configuration file: what does not fit an environment variable. */
export const configFile = z.strictObject({
  runners: z
    .record(
      z
        .string()
        .regex(
          /^[a-z][a-z0-9_-]{0,31}$/,
          'a runner name is at most 32 lower case letters, digits, - and _, a letter first',
        ),
      customRunner,
    )
    .default({}),
});
