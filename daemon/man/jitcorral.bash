# bash completion of jitcorral: asks the command itself for its subcommands and options, so that it is
# never old. Words behind the program to run are completed as that program's own.

_jitcorral_subcommands() { "$1" help 2>/dev/null | sed -n '/^Usage:/,/^Examples:/s/^  \([a-z]\+\) .*/\1/p'; }

_jitcorral_options() { # COMMAND SUBCOMMAND: one a line: "--policy POLICY", "-h,--help"
  "$1" "$2" --help 2>/dev/null | sed -nE 's/^  ((-[A-Za-z],)?--[a-z-]+( [^ ]+)?).*/\1/p'
}

_jitcorral_values() { # COMMAND VARIABLE: the words that it accepts
  "$1" help env 2>/dev/null | sed -nE "s/^$2 +([^(]*) \\(default.*/\\1/p" | tr -d ' ' | tr ',' '\n' \
    | grep -xE '[a-z0-9-]+'
}

_jitcorral_reply() { mapfile -t COMPREPLY < <(compgen "$@"); }

_jitcorral_value() { # COMMAND TYPE WORD: TYPE as the help names what an option wants
  local word=${3##*=}
  case $2 in
    POLICY) _jitcorral_reply -W "$(_jitcorral_values "$1" JITCORRAL_POLICY)" -- "$word" ;;
    NAME=VALUE)
      if [[ $3 == *JITCORRAL_*=* ]]; then
        local name=${3%=*}
        _jitcorral_reply -W "$(_jitcorral_values "$1" "${name##*=}")" -- "$word"
      else
        _jitcorral_reply -S = -W "$("$1" help env 2>/dev/null | sed -nE 's/^(JITCORRAL_[A-Z_]+) .*/\1/p')" -- "$word"
        compopt -o nospace 2>/dev/null
      fi
      ;;
    json* | csv* | unix:*) _jitcorral_reply -W "${2//[^a-z:]/ }" -- "$word" ;;
    FILE | DIR | PATH) _jitcorral_reply -f -- "$word" && compopt -o filenames 2>/dev/null ;;
  esac
}

_jitcorral() {
  local command=${COMP_WORDS[0]} words=() at=() i word wants='' options
  COMPREPLY=()
  # bash cuts words at "=": put them together again, and remember where each began.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [ "$i" -gt 1 ] && { [[ $word == =* ]] || [[ ${words[-1]} == *= && ${COMP_WORDS[i - 1]} == = ]]; }; then
      words[-1]+=$word
    else
      words+=("$word") at+=("$i")
    fi
  done
  word=${words[-1]}
  if [ ${#words[@]} -eq 2 ]; then
    _jitcorral_reply -W "$(_jitcorral_subcommands "$command") --help --version" -- "$word"
    return
  elif [ "${words[1]}" = help ]; then
    [ ${#words[@]} -gt 3 ] || _jitcorral_reply -W "env verdicts $(_jitcorral_subcommands "$command")" -- "$word"
    return
  fi
  options=$(_jitcorral_options "$command" "${words[1]}")
  _jitcorral_type() { grep -E -- "(^|,)$1 " <<<"$options" | sed 's/.* //'; }

  local takes_program='' program=0
  [[ $options != *--shim* ]] || takes_program=yes
  for ((i = 2; i < ${#words[@]} - 1; i++)); do
    if [ -n "$wants" ]; then
      wants=''
    elif [ "${words[i]}" = -- ]; then
      program=$((i + 1)) && break
    elif [[ ${words[i]} == -* ]]; then
      [[ ${words[i]} == --*=* ]] || wants=$(_jitcorral_type "${words[i]}")
    elif [ -n "$takes_program" ]; then
      program=$i && break
    fi
  done
  if [ -n "$wants" ]; then
    _jitcorral_value "$command" "$wants" "$word"
  elif [ "$program" -eq 0 ] && [[ $word == --*=* ]]; then
    _jitcorral_value "$command" "$(_jitcorral_type "${word%%=*}")" "$word"
  elif [ "$program" -eq 0 ] && [[ $word == -* ]]; then
    _jitcorral_reply -W "$(sed -E 's/ .*//; s/,/ /' <<<"$options")" -- "$word"
  elif [ -z "$takes_program" ]; then
    _jitcorral_reply -f -- "$word" && compopt -o filenames 2>/dev/null
  elif [ "$program" -eq 0 ] || [ "$program" -eq $((${#words[@]} - 1)) ]; then
    _jitcorral_reply -c -- "$word"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "${at[program]}"
  else
    _jitcorral_reply -f -- "$word" && compopt -o filenames 2>/dev/null
  fi
}

complete -F _jitcorral jitcorral
