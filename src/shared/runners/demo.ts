import { fileURLToPath } from 'node:url';
import type { AgentEvent } from '../transcript/event.js';
import type { Findings, Runner } from './runner.js';
import { failureEvents, sessionStarted } from './session-events.js';

const program = fileURLToPath(new URL('./demo-program.js', import.meta.url));

function read(line: string): Findings | undefined {
  const [, key, value = ''] = /^(session|result|error): (.*)$/s.exec(line) ?? [];
  if (key === 'session') return { sessionId: value };
  if (key === 'result') return { result: value };
  return key === 'error' ? { error: value } : undefined;
}

function events(line: string): readonly AgentEvent[] | undefined {
  const { sessionId, result, error } = read(line) ?? {};
  if (sessionId !== undefined) return sessionStarted({ sessionId });
  if (result !== undefined) return [{ type: 'text', text: result }];
  return error === undefined ? undefined : failureEvents({ error });
}

/** The built-in runner: a small scripted program that behaves as an agent does and needs no account. */
export const demo: Runner<'demo'> = {
  name: 'demo',
  title: 'Demo',
  command: 'node',
  memoryMib: 50,
  install: 'it is part of agentpool',
  lacks: ['mcpServers'],
  modes: ['calm', 'quick'],
  args: ({ mode }) => [program, ...(mode === undefined ? [] : ['--mode', mode])],
  stdin: ({ prompt }) => prompt,
  resumeArgs: (sessionId) => ['--resume', sessionId],
  output: { format: 'text', read, events },
};
