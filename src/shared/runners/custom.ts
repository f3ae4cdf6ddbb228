import type { CustomRunner } from '../config/custom-runner.js';
import type { AgentEvent } from '../transcript/event.js';
import type { Findings, Runner } from './runner.js';
import { failureEvents, sessionStarted } from './session-events.js';

function at(value: unknown, path: string | undefined): unknown {
  if (path === undefined) return undefined;
  let found = value;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  try {
    return value === null ? undefined : JSON.stringify(value);
  } catch {
    return undefined; // nested deeper than the stack is
  }
}

/** Programs say in many ways that there is no error and no session. */
const NONE = ['false', '0', '[]', '{}'];

function textOfSome(value: unknown): string | undefined {
  const text = textOf(value);
  return text === '' || (typeof value !== 'string' && NONE.includes(text ?? '')) ? undefined : text;
}

/** A prompt that is an argument must not become an option of the program; agents do not mind the space. */
const asArgument = (prompt: string) => (prompt.startsWith('-') ? ` ${prompt}` : prompt);

/** A runner from its description in the operator's configuration file. */
export function customRunner(name: string, given: CustomRunner): Runner {
  const { format, ...paths } = given.output;
  const read = (message: unknown): Findings => {
    const sessionId = textOfSome(at(message, paths.sessionId));
    const result = textOf(at(message, paths.result));
    const error = textOfSome(at(message, paths.error));
    return {
      ...(sessionId !== undefined && { sessionId }),
      ...(result !== undefined && { result }),
      ...(error !== undefined && { error }),
      ...(textOfSome(at(message, paths.ended)) !== undefined && { ended: true }),
    };
  };
  // Nothing more is known of its messages, so those that tell none of these are shown as they are.
  const events = (message: unknown): readonly AgentEvent[] | undefined => {
    const { sessionId, result, error } = read(message);
    const told = [
      ...(result ? [{ type: 'text' as const, text: result }] : []),
      ...failureEvents(error === undefined ? undefined : { error }),
    ];
    return told.length > 0 || sessionId === undefined
      ? told.length > 0
        ? told
        : undefined
      : sessionStarted({ sessionId });
  };
  const { resumeArgs, versionArgs, modes } = given;
  return {
    name,
    title: given.title ?? name,
    command: given.command,
    install: given.install ?? `put "${given.command}" on the worker's PATH`,
    ...(versionArgs && { versionArgs }),
    ...(modes && { modes }),
    args: ({ prompt }) => [...given.args, ...(given.prompt === 'argument' ? [asArgument(prompt)] : [])],
    ...(given.prompt === 'stdin' && { stdin: ({ prompt }: { prompt: string }) => prompt }),
    ...(resumeArgs && {
      resumeArgs: (sessionId: string) => resumeArgs.map((arg) => arg.replaceAll('{sessionId}', () => sessionId)),
    }),
    lacks: ['mcpServers'],
    inherits: given.inherits,
    variables: given.env,
    output:
      format === 'text' ? { format } : { format, read, events, knownInPart: true, terminal: paths.ended !== undefined },
  };
}
