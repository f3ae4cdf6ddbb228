import type { CustomRunner } from '../config/custom-runner.js';
import type { Findings, Runner } from './runner.js';

function at(value: unknown, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let found = value;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  if (found === undefined || found === null || found === false) return undefined;
  return typeof found === 'string' ? found : JSON.stringify(found);
}

/** A runner from its description in the operator's configuration file. */
export function customRunner(name: string, given: CustomRunner): Runner {
  const { format, ...paths } = given.output;
  const read = (message: unknown): Findings => {
    const sessionId = at(message, paths.sessionId);
    const result = at(message, paths.result);
    const error = at(message, paths.error);
    return {
      ...(sessionId !== undefined && { sessionId }),
      ...(result !== undefined && { result }),
      ...(error !== undefined && { error }),
    };
  };
  const { resumeArgs, versionArgs, modes } = given;
  return {
    name,
    title: given.title ?? name,
    command: given.command,
    install: given.install ?? `put "${given.command}" on the worker's PATH`,
    ...(versionArgs && { versionArgs }),
    ...(modes && { modes }),
    args: ({ prompt }) => [...given.args, ...(given.prompt === 'argument' ? [prompt] : [])],
    ...(given.prompt === 'stdin' && { stdin: ({ prompt }: { prompt: string }) => prompt }),
    ...(resumeArgs && {
      resumeArgs: (sessionId: string) => resumeArgs.map((arg) => arg.replaceAll('{sessionId}', () => sessionId)),
    }),
    env: () => given.env,
    output: format === 'text' ? { format } : { format, read },
  };
}
