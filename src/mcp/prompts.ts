import { RefusedError } from './ask.js';

interface Argument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

/** Words that a person picks in a client, for its model. Knows no SDK. */
interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly Argument[];
  readonly words: (given: Readonly<Record<string, string | undefined>>) => string;
}

const PROMPTS: readonly Prompt[] = [
  {
    name: 'compare_agents',
    title: 'Delegate this to three agents and compare',
    description: 'Gives one task to three agent programs at once, waits for all of them, and compares what they found.',
    arguments: [
      { name: 'task', description: 'What the agents are asked to do', required: true },
      {
        name: 'runners',
        description: 'Which agent programs, with commas; by default three that are there',
        required: false,
      },
      { name: 'path', description: 'The working directory on the worker, absolute', required: false },
    ],
    words: ({ task, runners, path }) =>
      [
        'Delegate the task below to three agents of agentpool and compare their answers.',
        runners
          ? `1. Use these runners: ${runners}.`
          : '1. Call pool_status and pick three different runners of living workers; where there are fewer, use one of them several times.',
        `2. Call run_agents_parallel once, with one entry for each: a taskId of its own, the task word for word as prompt${path ? `, path ${JSON.stringify(path)}` : ''}, and waitAll true.`,
        '3. While the answer says timedOut, call wait_agent with runIds = stillRunning. Do not submit anything a second time.',
        '4. Compare: one line for each agent with its status, then where they agree, where they differ and who is right as far as you can tell, and what you recomfix. Say plainly which agents failed, and why. Read more with stream_agent_output where a result is not enough.',
        `The task:\n${task}`,
      ].join('\n'),
  },
  {
    name: 'what_is_running',
    title: 'What is running',
    description: 'Shows which runs go on or wait, how far they are, and what needs attention.',
    arguments: [{ name: 'agentName', description: 'Only the runs of this agent name', required: false }],
    words: ({ agentName }) => {
      const of = agentName ? ` and agentName ${JSON.stringify(agentName)}` : '';
      return [
        'Tell me what is running on agentpool.',
        `1. Call list_runs with status running${of}, with status queued${of}, and with status orphaned${of}; call pool_status.`,
        '2. For each run that is running, up to ten, call get_agent_status to see the end of its output.',
        '3. Answer with a table: agent, runner, host, status, for how long, what it does now in a few words.',
        '4. Below it, only what needs attention: runs that have printed nothing for long, runs that wait for a runner that no living worker has, orphaned runs, workers that are not alive. Do not kill or start anything.',
      ].join('\n');
    },
  },
];

/** Every prompt in the words of the protocol. */
export const describePrompts = () =>
  PROMPTS.map(({ words: _, ...described }) => ({
    ...described,
    arguments: described.arguments.map((argument) => ({ ...argument })),
  }));

/** A prompt with its arguments filled in. Throws a RefusedError that says what there is, or what is missing. */
export function getPrompt(name: string, given: Readonly<Record<string, string | undefined>> = {}) {
  const prompt = PROMPTS.find((one) => one.name === name);
  if (!prompt) throw refused(`there is no prompt ${name}`, `There are ${PROMPTS.map((one) => one.name).join(', ')}.`);
  const missing = prompt.arguments.find((argument) => argument.required && !given[argument.name]?.trim());
  if (missing) throw refused(`${missing.name} is missing`, `${missing.name}: ${missing.description}.`);
  const { description, words } = prompt;
  return { description, messages: [{ role: 'user' as const, content: { type: 'text' as const, text: words(given) } }] };
}

const refused = (message: string, hint: string) => new RefusedError({ code: 'invalid_argument', message, hint });
