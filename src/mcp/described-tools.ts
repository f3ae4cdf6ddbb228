import { type PortableObject, portableInput, portableOutput } from './portable-schema.js';
import type { Annotations, ForClaude, Tool } from './tool.js';
import { TOOLS } from './tools/list.js';

/** A tool as clients are told of it. */
export interface ToolDescription {
  [key: string]: unknown;
  name: string;
  title: string;
  description: string;
  inputSchema: PortableObject;
  outputSchema: PortableObject;
  annotations: Annotations;
  _meta?: Record<string, unknown>;
}

function describeTool({ name, title, description, input, output, tells, annotations, claude }: Tool): ToolDescription {
  return {
    name,
    title,
    description,
    inputSchema: portableInput(input),
    outputSchema: portableOutput(output, tells),
    annotations,
    ...(claude && { _meta: claudeMeta(claude) }),
  };
}

/** Claude Code puts longer answers into a file unless a tool says that it means it (characters). */
const CLAUDE_RESULT_CHARS = 200_000;

const claudeMeta = ({ alwaysLoad = false, longAnswers = false }: ForClaude) => ({
  ...(alwaysLoad && { 'anthropic/alwaysLoad': true }),
  ...(longAnswers && { 'anthropic/maxResultSizeChars': CLAUDE_RESULT_CHARS }),
});

/** Every tool in the words of the protocol. The bundle has what this answers instead of it: making it takes as long as Node's own start. */
export const describedTools = (): ToolDescription[] => TOOLS.map(describeTool);
