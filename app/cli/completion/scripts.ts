import type { CommandNode } from './tree.js';

/** Bash: walks down the words that name a command, then offers its commands or file names, or its options after a dash. */
function bash(nodes: readonly CommandNode[]): string {
  const cases = nodes.map(({ words, commands, options }) => `    '${path(words)}') commands='${commands.join(' ')}' options='${words.length === 0 ? '' : namesOf(options).join(' ')}' ;;`);
  const everywhere = namesOf(nodes[0]?.options ?? []).join(' ');
  const known = nodes.filter(({ words }) => words.length > 0).map(({ words }) => `'${path(words)}'`).join('|');
  return `# For Bash: source <(temporal-pipeline completion bash)
_temporal_pipeline() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word commands='' options=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      ${known}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then commands="$options ${everywhere}"; fi
  COMPREPLY=($(compgen -W "$commands" -- "$current"))
}
complete -o bashdefault -o default -F _temporal_pipeline temporal-pipeline llm-barber-pipeline
# In a project the command is known to npx alone, whose words are not completed.
command -v temporal-pipeline >/dev/null || temporal-pipeline() { npx --no temporal-pipeline "$@"; }
`;
}

/** Zsh can run Bash's completion. */
function zsh(nodes: readonly CommandNode[]): string {
  return `# For Zsh: source <(temporal-pipeline completion zsh)
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bash(nodes).split('\n').slice(1).join('\n')}`;
}

/** Fish also shows what each word is for. */
function fish(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap(({ words, commands, options }) => {
    const only = `-n "__temporal_pipeline_at '${path(words)}'"`;
    const about = (name: string): string => nodes.find((node) => path(node.words) === path([...words, name]))?.about ?? '';
    return [
      ...commands.map((name) => `${only} -a ${name} -d ${quoted(about(name))}`),
      ...options.map(({ name, about }) => `${words.length === 0 ? '' : `${only} `}-l ${name.replace(/^--/, '')} -d ${quoted(about)}`),
    ];
  });
  const known = nodes.filter(({ words }) => words.length > 0).map(({ words }) => quoted(path(words))).join(' ');
  return `# For Fish: temporal-pipeline completion fish | source
function __temporal_pipeline_at
    set -l path
    for word in (commandline -opc)[2..-1]
        if contains -- "$path $word" ${known}
            set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end
${lines.map((line) => `complete -c temporal-pipeline ${line}`).join('\n')}
complete -c llm-barber-pipeline -w temporal-pipeline
# In a project the command is known to npx alone, whose words are not completed.
if not type -q temporal-pipeline
    function temporal-pipeline
        npx --no temporal-pipeline $argv
    end
end
`;
}

const namesOf = (options: CommandNode['options']): string[] => options.map(({ name }) => name);
const path = (words: readonly string[]): string => words.map((word) => ` ${word}`).join('');
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

export type Shell = 'bash' | 'zsh' | 'fish';
export const completionScripts: Record<Shell, (nodes: readonly CommandNode[]) => string> = { bash, zsh, fish };
