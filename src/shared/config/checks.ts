import { z } from 'zod';
import { SCOPES } from '../principal.js';
import { WORKER_LABEL, WORKER_LABEL_RULE } from '../workers/labels.js';

/** Scopes with plus signs, as a regular expression. */
const SCOPE_WORDS = `(?:${SCOPES.join('|')})(?:\\+(?:${SCOPES.join('|')}))*`;

/** A whole number within bounds. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

const jsonList = z.array(z.string());

/** A JSON list, which can name everything; or words that the separator divides. */
export const list = (separator: RegExp | string) =>
  z.string().transform((text, context) => {
    if (/^\s*\[\s*("|\]\s*$)/.test(text)) {
      const parsed = jsonList.safeParse(parsedJson(text));
      if (!parsed.success) context.addIssue('must be a JSON list of texts, such as ["a","b"]');
      return parsed.data ?? [];
    }
    return text
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== '');
  });

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The name of a variable, or with `*` at its end of all that begin so. */
export const variableName = z
  .string()
  .regex(/^[A-Za-z_]\w*\*?$/, 'must be the name of a variable, with * at its end for several');

/** A label of a worker. */
export const workerLabel = z.string().regex(WORKER_LABEL, WORKER_LABEL_RULE);

/** Where to listen: a port of loopback, a host with a port, or a unix socket. */
export const listenAddress = z
  .string()
  .regex(
    /^(\/.+|(([\w.-]+|\[[0-9a-fA-F:.]+\]):)?\d{1,5})$/,
    'must be a port, host:port, or the absolute path of a unix socket',
  )
  .transform((text): { readonly path: string } | { readonly host: string; readonly port: number } => {
    if (text.startsWith('/')) return { path: text };
    const at = text.lastIndexOf(':');
    const host = at < 0 ? '127.0.0.1' : text.slice(0, at).replace(/^\[(.*)\]$/, '$1');
    return { host, port: Number(text.slice(at + 1)) };
  })
  .refine((where) => !('port' in where) || where.port <= 65_535, 'must have a port of at most 65535');

/** Yes or no. */
export const flag = z
  .enum(['true', 'false', '1', '0'], 'must be true or false')
  .transform((text) => text === 'true' || text === '1');

/** Runs at once: a number for all, or one for each of some runners. */
export const concurrency = z
  .string()
  .regex(
    /^(auto|\d+|[\w.-]+=\d+(,[\w.-]+=\d+)*)$/,
    'must be a number, or runner=number pairs such as claude=2,gemini=4, or auto',
  )
  .transform((text): number | Readonly<Record<string, number>> | 'auto' =>
    text === 'auto'
      ? text
      : /^\d+$/.test(text)
        ? Number(text)
        : Object.fromEntries(
            text
              .split(',')
              .map((pair) => [pair.slice(0, pair.indexOf('=')), Number(pair.slice(pair.indexOf('=') + 1))]),
          ),
  );

/** A number for each of some runners. */
export const byRunner = z
  .string()
  .regex(
    /^([\w.-]+=[1-9]\d{0,8}(,[\w.-]+=[1-9]\d{0,8})*)?$/,
    'must be runner=number pairs such as claude=3,gemini=10, each at least 1',
  )
  .transform(
    (text): Readonly<Record<string, number>> =>
      Object.fromEntries(
        text
          .split(',')
          .filter(Boolean)
          .map((pair) => [pair.slice(0, pair.indexOf('=')), Number(pair.slice(pair.indexOf('=') + 1))]),
      ),
  );

const USER = /^([a-z_][\w.-]*\$?|\d+:\d+)$/i;

/** Users by runner; the one for all others is under `*`. */
export const runAs = list(',').transform((entries, context): Readonly<Record<string, string>> => {
  const pairs = entries.map((entry): [string, string] => {
    const at = entry.indexOf('=');
    return at < 0 ? ['*', entry] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  if (pairs.some(([runner, user]) => !/^(\*|[\w.-]+)$/.test(runner) || !USER.test(user)))
    context.addIssue('must be a user, uid:gid, or runner=user pairs such as claude=alice,codex=1001:1001');
  return Object.fromEntries(pairs);
});

/** One entry of AGENTPOOL_TOKENS. */
export const token = z
  .string()
  .regex(
    new RegExp(`^[\\w.-]+:${SCOPE_WORDS}:[0-9a-fA-F]{64}$`),
    'must be name:scopes:sha256, for example ann:read+run:<64 hex digits>; several with commas',
  )
  // `local` is the user who starts our processes; a token must not get access to that user's runs.
  .refine(
    (text) => !text.startsWith('local:'),
    'must not be called local, which is who may start agentpool on the machine',
  );

/** Our scopes by the words of an issuer. */
export const scopeWords = list(',').transform((pairs, context) => {
  const wrong = pairs.find((pair) => !new RegExp(`^[^=]+=${SCOPE_WORDS}$`).test(pair));
  if (wrong !== undefined) context.addIssue(`must be word=scopes pairs such as agents.write=run+kill, not ${wrong}`);
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.lastIndexOf('=')), pair.slice(pair.lastIndexOf('=') + 1).split('+')]),
  );
});
