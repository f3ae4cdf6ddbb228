import { type Argument, type Command, InvalidArgumentError } from 'commander';
import { print } from './print.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function addCompletion(program: Command, whole: () => Promise<Command>): void {
  program
    .command('completion')
    .description('print the script with which a shell completes commands, options and runs')
    .argument('<shell>', SHELLS.join(', '), shellOf)
    .addHelpText(
      'after',
      '\nExample:\n  source <(agentpool completion bash)\n  agentpool completion fish > ~/.config/fish/completions/agentpool.fish',
    )
    .action(async (shell: Shell) => print(SCRIPTS[shell](completionsOf(await whole()))));
}

function shellOf(text: string): Shell {
  const shell = SHELLS.find((name) => name === text);
  if (shell) return shell;
  throw new InvalidArgumentError(`It must be one of: ${SHELLS.join(', ')}.`);
}

/** A subcommand, as a shell completes it. */
interface Completion {
  /** `runs`, or `agents list`. */
  readonly path: string;
  readonly description: string;
  /** What may come next: options, and subcommands where it has some. */
  readonly words: readonly string[];
  /** Its arguments are runs. */
  readonly takesRuns: boolean;
}

const isRun = (argument: Argument) => /^runs?$/.test(argument.name());

/** All subcommands of a command line, with those that are below others. */
function completionsOf(command: Command, path = ''): Completion[] {
  return command.commands.flatMap((sub) => {
    const own = `${path} ${sub.name()}`.trim();
    const options = sub.options.filter(({ hidden }) => !hidden).flatMap(({ short, long }) => [short, long]);
    const words = [...sub.commands.map((one) => one.name()), ...options, '--help'].filter((word) => word !== undefined);
    const takesRuns = sub.registeredArguments.some(isRun);
    return [{ path: own, description: sub.description(), words, takesRuns }, ...completionsOf(sub, own)];
  });
}

/** The runs that a shell offers; it says nothing when there is no pool. */
const RUNS = 'agentpool runs -q --limit 50 2>/dev/null';

const SCRIPTS: Readonly<Record<Shell, (completions: readonly Completion[]) => string>> = {
  bash: (completions) => `# agentpool: completion for bash
_agentpool() {
  local current=\${COMP_WORDS[COMP_CWORD]} path=\${COMP_WORDS[1]} words=
  case "$path \${COMP_WORDS[2]}" in
${nested(completions)
  .map((path) => `    '${path}') [ "$COMP_CWORD" -gt 2 ] && path='${path}' ;;`)
  .join('\n')}
  esac
  if [ "$COMP_CWORD" = 1 ]; then words='${topNames(completions)}'
  else case "$path" in
${completions.map(bashCase).join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _agentpool agentpool`,
  zsh: (completions) => `#compdef agentpool
# agentpool: completion for zsh
autoload -U +X bashcompinit && bashcompinit
${SCRIPTS.bash(completions)}`,
  fish: (completions) => ['# agentpool: completion for fish', ...completions.flatMap(fishLines)].join('\n'),
};

const nested = (completions: readonly Completion[]) =>
  completions.map(({ path }) => path).filter((path) => path.includes(' '));
const topNames = (completions: readonly Completion[]) =>
  completions
    .map(({ path }) => path)
    .filter((path) => !path.includes(' '))
    .join(' ');

function bashCase({ path, words, takesRuns }: Completion): string {
  const runs = takesRuns ? ` [[ $current == -* ]] || words="$words $(${RUNS})"` : '';
  return `    '${path}') words='${words.join(' ')}';${runs} ;;`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`;

function fishLines({ path, description, words, takesRuns }: Completion): string[] {
  const parts = path.split(' ');
  const name = parts.at(-1) ?? '';
  const before = parts.length === 1 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${parts[0]}`;
  const seen = `__fish_seen_subcommand_from ${name}`;
  const long = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2));
  return [
    `complete -c agentpool -f -n ${quoted(before)} -a ${name} -d ${quoted(description)}`,
    ...long.map((option) => `complete -c agentpool -n ${quoted(seen)} -l ${option}`),
    ...(takesRuns ? [`complete -c agentpool -f -n ${quoted(seen)} -a ${quoted(`(${RUNS})`)}`] : []),
  ];
}
