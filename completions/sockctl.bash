# bash completion for sockctl                                     -*- shell-script -*-
# Options, columns and states come from the program's own tables, ports and processes from
# the sockets of this host. Candidates are plain words: compgen -W would expand others.

_sockctl_rows() { # COMMAND: its options, as 'sockctl porcelain options' has them
	"$sockctl" porcelain options 2>/dev/null | awk -F '\t' -v c="$1" '$1 == c && $6 != "ignored"'
}

# One cell of the option -x or --name; an empty answer also means there is no such option.
_sockctl_cell() { # COMMAND OPTION COLUMN
	_sockctl_rows "$1" | awk -F '\t' -v o="$2" -v n="$3" '$3 == o || $4 == o { print $n; exit }'
}

_sockctl_raw() { # COLUMN [OPTION]...
	"$sockctl" inspect --format raw -H -o "$@" 2>/dev/null
}

# Ports that the kernel did not choose by itself, and those of listeners.
_sockctl_ports() {
	_sockctl_raw local_port -tu 'not autobound or listen or close' | sort -nu
}

_sockctl_columns() {
	"$sockctl" porcelain fields 2>/dev/null | awk -F '\t' '{ print $1 } !seen[$3]++ { print $3 }'
	echo detail
}

_sockctl_states() { # TYPED: in its spelling
	local states
	states=$("$sockctl" porcelain states 2>/dev/null)
	[[ $1 == *[[:upper:]]* ]] && states=${states^^}
	[[ $1 == *-* ]] && states=${states//_/-}
	echo "$states"
}

# The states that a command's laboratory makes.
_sockctl_lab() { # COMMAND
	"$sockctl" porcelain lab 2>/dev/null | awk -F '\t' -v c="$1" '"," $2 "," ~ "," c "," { print $1 }'
	echo help
}

_sockctl_plain() {
	grep -v '[^[:alnum:]_.:-]' | sort -u
}

_sockctl_netns() {
	local path
	for path in /run/netns/* /var/run/netns/*; do
		[[ -e $path ]] && echo "${path##*/}"
	done | _sockctl_plain
}

_sockctl_files() { # CURRENT
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
	compopt -o filenames 2>/dev/null
}

# The replies are the candidates that go on as the last element of a list does.
_sockctl_list() { # CURRENT CANDIDATES
	local before=
	[[ $1 == *,* ]] && before=${1%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$2" -- "${1##*,}")
	compopt -o nospace 2>/dev/null
}

_sockctl_value() { # KIND CURRENT COMMAND
	local words='' cur=$2
	case $1 in
	file) _sockctl_files "$cur" ;;
	port) _sockctl_list "$cur" "$(_sockctl_ports)" ;;
	state) _sockctl_list "$cur" "$(_sockctl_states "${cur##*,}")" ;;
	columns)
		words=$(_sockctl_columns)
		if [[ $cur == +* ]]; then
			_sockctl_list "${cur#+}" "$words"
			COMPREPLY=("${COMPREPLY[@]/#/+}")
		else
			_sockctl_list "$cur" "$words help"
		fi
		;;
	lab) mapfile -t COMPREPLY < <(compgen -W "$(_sockctl_lab "$3")" -- "$cur") ;;
	column) mapfile -t COMPREPLY < <(compgen -W "$("$sockctl" porcelain fields | cut -f1)" -- "$cur") ;;
	pid) _sockctl_list "$cur" "$(_sockctl_raw pid -tux | tr , '\n' | sort -nu)" ;;
	process)
		words=$(_sockctl_raw process -tux | sed -e 's/; /\n/g' |
			sed -n 's/\[[0-9]*\] fd [0-9,]*$//p' | _sockctl_plain)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		;;
	meaning) mapfile -t COMPREPLY < <(compgen -W "help $("$sockctl" porcelain meanings | cut -f1 | sort -u)" -- "$cur") ;;
	user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
	netns) mapfile -t COMPREPLY < <(compgen -W "$(_sockctl_netns)" -- "$cur" && compgen -f -- "$cur") ;;
	esac
}

# The argument of an option.
_sockctl_argument() { # COMMAND OPTION CURRENT
	local choices kind
	choices=$(_sockctl_cell "$1" "$2" 7)
	kind=$(_sockctl_cell "$1" "$2" 8)
	[[ $2 == -o && $kind == column ]] && kind=columns
	if [[ -n $choices ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${choices//,/ }" -- "$3")
	else
		_sockctl_value "$kind" "$3" "$1"
	fi
}

# Words that are no option and no argument of one.
_sockctl_operand() { # COMMAND CURRENT
	case $1 in
	help) mapfile -t COMPREPLY < <(compgen -W "$("$sockctl" porcelain commands | cut -f1)" -- "$2") ;;
	inspect)
		mapfile -t COMPREPLY < <(compgen -W "$("$sockctl" porcelain words
			"$sockctl" porcelain fields | cut -f1
			_sockctl_states "$2")" -- "$2")
		;;
	*) [[ $2 == [/.]* ]] && _sockctl_files "$2" ;;
	esac
}

_sockctl() {
	local sockctl=$1 cur=$2 prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	COMPREPLY=()

	# Of letters that are joined, the last takes the argument.
	[[ $prev == -[!-]?* ]] && prev=-${prev: -1}
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$("$sockctl" porcelain commands 2>/dev/null | cut -f1)
			help --help --version" -- "$cur")
		return
	fi
	# '=' and ':' are words of their own where COMP_WORDBREAKS has them.
	if [[ $cur == = ]]; then
		_sockctl_argument "$command" "$prev" ''
	elif [[ $prev == = ]]; then
		_sockctl_argument "$command" "${COMP_WORDS[COMP_CWORD - 2]}" "$cur"
	elif [[ $cur == --*=* ]]; then
		_sockctl_argument "$command" "${cur%%=*}" "${cur#*=}"
		COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
	elif [[ $cur == : || $prev == : ]]; then
		[[ $cur == : ]] && cur=
		if [[ $command == inspect ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'desc asc' -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(_sockctl_ports)" -- "$cur")
		fi
	elif [[ $prev == -* && $(_sockctl_cell "$command" "$prev" 5) == [!=]* ]]; then
		_sockctl_argument "$command" "$prev" "$cur"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sockctl_rows "$command" | cut -f4)" -- "$cur")
	else
		_sockctl_operand "$command" "$cur"
	fi
}

complete -F _sockctl sockctl
