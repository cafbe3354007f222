#!/usr/bin/env bats
# From one namespace to another: scopes of link-local addresses, and addresses of a name of
# which the first is silent.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe

# The link-local address of an interface, as soon as it has one that is no longer tentative.
link_local() { # CMD... DEV
	local dev=${*: -1}
	"${@:1:$#-1}" ip -6 -o addr show dev "$dev" scope link -tentative | awk '{ sub("/.*", "", $4); print $4 }'
}

has_link_local() { # CMD... DEV
	[[ -n $(link_local "$@") ]]
}

serve_there() { # ARGS...
	local NS=("${SERVER[@]}")
	serve "$@"
}

@test "link-local addresses keep their interface on both ends, in words and in JSON" {
	link
	local there here
	until_true has_link_local on_server down0
	until_true has_link_local in_ns up0
	there=$(link_local on_server down0)
	here=$(link_local in_ns up0)
	serve_there echo "[$there%down0]:0"
	assert_equal "$ADDR" "[$there%down0]:$PORT"
	sockctl connect --json --send hello "[$there%up0]:$PORT"
	assert_equal "$status" 0
	assert_output hello
	assert_json_in "$stderr" '.[0] | .type == "connected" and .local_addr == $here and .peer_addr == $there' \
		--arg here "$here%up0" --arg there "$there%up0"
	run on_server "$SOCKCTL" inspect --json --no-findings -l "src = [$there%down0]:$PORT"
	assert_equal "$(jq -rs '.[0].local_addr' <<<"$output")" "$there%down0"
	local to
	for to in "[$there]:$PORT" "udp:[$there]:$PORT"; do
		sockctl connect --send x "$to"
		assert_refused 1 "Invalid argument
.*a link-local address needs its interface"
	done
}

@test "a first address that is silent holds a name up for 250 ms, not longer" {
	skip_unless_mounts "a hosts file of its own"
	link
	# IPv6 has a route there, and its packets are dropped; IPv4 answers.
	server_rule input ip6 nexthdr tcp drop
	printf '%s dual.test\n%s dual.test\n' "$V6" "$V4" >"$BATS_TEST_TMPDIR/hosts"
	serve_there echo "$V4:0"
	in_ns unshare --mount sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - \
		"$BATS_TEST_TMPDIR/hosts" "$SOCKCTL" connect --json --send hello \
		"dual.test:$PORT" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/events"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/out")" hello
	# The clock of the attempt that won is its own; the whole took the delay besides.
	assert_json_in "$(<"$BATS_TEST_TMPDIR/events")" '(.[0] | .type == "connected" and .peer_addr == $v4) and
		(.[-1].duration_us | . >= 250000 and . < 20000000)' --arg v4 "$V4"
}

@test "--timeout limits the look-up of the peer's name and of the source's" {
	skip_unless_mounts 'it mounts a resolv.conf'
	netns
	spawn "${NS[@]}" "$SOCKCTL" listen -k --no-read udp:127.0.0.1:53
	until_true in_ns sh -c 'ss -Huan | grep -q 127.0.0.1:53'
	local start=${EPOCHREALTIME/./}
	run --separate-stderr with_resolver 127.0.0.1 "$SOCKCTL" connect -T 100ms some.example:80
	assert_refused 4 "the name 'some.example' did not resolve before the deadline"
	run --separate-stderr with_resolver 127.0.0.1 "$SOCKCTL" connect -T 100ms --source some.example 127.0.0.1:80
	assert_refused 4 "the name 'some.example' did not resolve before the deadline"
	assert_int "${EPOCHREALTIME/./} - start < 10000000"
}

@test "the thread that looks a name up says so without a call that may fail" {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null ||
		skip "strace cannot trace here"
	serve listen -k --reply hi 127.0.0.1:0
	# No message of ours either: only the exit code tells.
	run --separate-stderr "${STRACE[@]}" -f -o /dev/null -e inject=write:error=EIO:when=1+ \
		timeout -k 1 "$READY_WITHIN" "$SOCKCTL" connect --send x --expect hi -4 "localhost:$PORT"
	assert_int 'status != 124'
	assert_int 'status != 134'
	run --separate-stderr "${STRACE[@]}" -f -o /dev/null -e inject=write:error=EIO:when=1+ \
		"$SOCKCTL" connect -T "${READY_WITHIN}s" -4 localhost:1
	assert_equal "$status" 1
}
