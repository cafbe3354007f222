# shellcheck shell=bash
# shellcheck disable=SC2154 # run sets what is read here
# What a test claims, in words that print what there was where it is not so. A bare [[ ]], (( ))
# or jq -e would end a test without a word; style.bats refuses them.

# The exit code of the last run.
assert_status() { # CODE
	((status == $1)) || fail "exit code $status, not $1"$'\n'"stdout: $output"$'\n'"stderr: ${stderr-}"
}

# Each part is in the text, after the one before it.
assert_contains() { # TEXT PART...
	local rest=$1
	while shift; (($#)); do
		[[ $rest == *"$1"* ]] || fail "there is no '$1' in: $rest" || return
		(($# == 1)) || rest=${rest#*"$1"} # takes long where the text is
	done
}

refute_contains() { # TEXT PART...
	local part
	for part in "${@:2}"; do
		[[ $1 != *"$part"* ]] || fail "there is '$part' in: $1" || return
	done
}

# An arithmetic expression that is true; where it is not, its variables are printed.
assert_int() { # EXPRESSION
	local name shown
	(($1)) || {
		for name in $(grep -oE '\b[A-Za-z_][A-Za-z_0-9]*(\[[0-9]+\])?' <<<"$1"); do
			shown+=" $name=${!name-}"
		done
		fail "not so: $1;${shown-}"
	}
}

# The jq expression is true of the JSON documents of a text: they are one array, as with jq -s.
assert_json_in() { # TEXT EXPRESSION [JQ_OPTION]...
	jq -es "${@:3}" "$2" <<<"$1" >/dev/null || fail "not so: $2"$'\n'"of: $1"
}

# The same of what the last run printed.
assert_json() { # EXPRESSION [JQ_OPTION]...
	assert_json_in "$output" "$@"
}

# The JSON documents of the last run, or of a text, are what the schema says. They are kept and
# held against it when the test ends, all at once: a validator's start costs as much as ten runs.
assert_valid() { # [TEXT]
	[[ -n ${1-$output} ]] || fail 'there is no document' || return
	printf '%s\n' "${1-$output}" >>"$BATS_TEST_TMPDIR/documents"
}

documents_are_valid() {
	local schema=$BATS_TEST_TMPDIR/schema
	[[ -e $BATS_TEST_TMPDIR/documents ]] || return 0
	"$SOCKCTL" porcelain schema >"$schema"
	"$TOP/tests/lib/validate" "$schema" <"$BATS_TEST_TMPDIR/documents"
}

# Waits for a program in the background: sets ENDED, its exit code. Its pid is no longer ours
# to kill then.
end_of() { # PID
	local i deadline=$((SECONDS + END_WITHIN))
	while kill -0 "$1" 2>/dev/null; do
		((SECONDS < deadline)) || fail "process $1 still runs after $END_WITHIN s" || return
		nap 0.01
	done
	ENDED=0
	wait "$1" || ENDED=$?
	for i in "${!PIDS[@]}"; do
		[[ ${PIDS[i]} != "$1" ]] || unset "PIDS[i]"
	done
	PIDS=("${PIDS[@]}")
}

# Waits for a program in the background, and claims how it ended: with 0 where not told, with
# one of several (0|130), or in any way (any).
await_end() { # PID [CODE]
	end_of "$1" || return
	[[ ${2-0} == any || "|${2-0}|" == *"|$ENDED|"* ]] || fail "process $1 ended with $ENDED, not ${2-0}"
}

# A pause between two looks, in a loop that has an end of its own: until_true is the usual one.
# It sets $!.
nap() { # SECONDS
	read -r -t "$1" <> <(:) || true
}

# Repeats a check until it holds; the state of a socket changes when the kernel gets to it.
until_true() { # CMD...
	local deadline=$((SECONDS + READY_WITHIN))
	until "$@"; do
		((SECONDS < deadline)) || fail "never came true: $*" || return
		nap 0.01
	done
}
