# SPDX-License-Identifier: Apache-2.0
#
# Completion for bash: commands, options and files. It asks smith itself, so it knows what that smith knows.

# $1: a command, or nothing. Prints the options that its help shows.
_smith_options() {
    # shellcheck disable=SC2086  # no command is no word
    smith $1 --help 2>/dev/null | sed -n 's/^ \{2,6\}\(-[a-z], \)\?\(--[a-z-]*\).*/\2/p'
}

_smith_commands() { smith --help 2>/dev/null | sed -n 's/^  \([a-z-]*\)  .*/\1/p'; }

_smith() {
    local word=${COMP_WORDS[COMP_CWORD]} command='' each
    local commands
    commands=$(_smith_commands)
    for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        # What is behind "--" is for another program.
        [ "$each" = -- ] && return
        if [ -z "$command" ] && grep -qx -e "$each" <<<"$commands"; then command=$each; fi
    done
    case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W "$(_smith_options "$command")" -- "$word") ;;
        *) if [ -z "$command" ] || [ "$command" = help ]; then
            mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
        fi ;;
    esac
}

# Where there is nothing of ours to offer, it is a file.
complete -o default -F _smith smith
