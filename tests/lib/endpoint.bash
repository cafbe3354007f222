# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the tests read what is set here
# Endpoints in the background: started, their ready line read, ended and judged.

# Starts `sockctl ARGS` and reads its ready line: sets PID, ADDR, PORT, ERRS (a descriptor
# with the rest of stderr) and SERVED (the file of its stdout). INPUT is its stdin.
serve() { # ARGS...
	local dir line
	dir=$(mktemp -d "$BATS_TEST_TMPDIR/serve.XXXXXX")
	SERVED=$dir/out
	mkfifo "$dir/err"
	"${IN_FRONT[@]}" "${NS[@]}" "$SOCKCTL" "$@" <"${INPUT:-/dev/null}" >"$SERVED" 2>"$dir/err" 3>&- &
	PID=$!
	PIDS+=("$PID")
	exec {ERRS}<"$dir/err"
	INPUTS+=("$ERRS")
	while IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line; do
		[[ $line == "listening on "* ]] || continue
		ADDR=${line#listening on }
		PORT=${ADDR##*:}
		return 0
	done
	echo "no ready line from sockctl $*" >&2
	return 1
}

# Waits for the last `serve` to end by itself: sets status and stderr.
served() {
	end_of "$PID"
	status=$ENDED
	stderr=$(cat <&"$ERRS")
	no_crash
}

# Ends it with a signal; status is 128+n where it did as it should.
end_served() { # [SIGNAL]
	kill -s "${1:-TERM}" "$PID"
	end_of "$PID"
	status=$ENDED
	stderr=$(cat <&"$ERRS")
}

# Makes FILE of SIZE bytes that do not repeat soon.
make_data() { # FILE SIZE
	openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt -in /dev/zero 2>/dev/null | head -c "$2" >"$1" || true
	assert_equal "$(stat -c %s "$1")" "$(numfmt --from=iec "$2")"
}

# How many TCP sockets are in a state with this local port, as ss sees it.
ss_count() { # STATE PORT [local|peer]
	local side=sport
	[[ ${3-} == peer ]] && side=dport
	in_ns ss -Htan state "$1" "$side = :$2" | wc -l
}

has_state() { # STATE PORT [local|peer] [COUNT]
	(($(ss_count "$1" "$2" "${3-local}") >= ${4-1}))
}

# The same, asked of sockctl's own eyes.
inspect_has() { # STATE PORT [local|peer]
	local side=sport
	[[ ${3-} == peer ]] && side=dport
	in_ns "$SOCKCTL" inspect --no-findings --count --state "$1" "$side = :$2" 2>/dev/null |
		grep -qv '^0$'
}
