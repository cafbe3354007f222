#!/usr/bin/env bats
# --lab of listen and connect: every state of its table is made, by root and by an ordinary
# user, and ss and inspect are asked whether it is really there, between the two addresses
# that were told.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint

setup_file() {
	# The build may lie where an ordinary user may not go.
	COPY=$(mktemp -d /tmp/sockctl-tests.XXXXXX)
	chmod 755 "$COPY"
	cp "$SOCKCTL" "$COPY/sockctl"
	export COPY
}

teardown_file() {
	rm -rf "$COPY"
}

ORDINARY=()

# From here on `lab` is called by an ordinary user.
be_ordinary() {
	is_root && ORDINARY=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)
	return 0
}

# Starts a laboratory, reads its JSON up to the event that the state is there: sets PID,
# ERRS, EVENTS (all lines), and STATE, US, PEER, PEER_STATE ('' = none).
lab() { # listen|connect STATE [ARGS...]
	local dir
	dir=$(mktemp -d "$BATS_TEST_TMPDIR/lab.XXXXXX")
	mkfifo "$dir/err"
	"${NS[@]}" "${ORDINARY[@]}" "$COPY/sockctl" "$1" --lab "$2" --json "${@:3}" </dev/null >"$dir/out" 2>"$dir/err" 3>&- &
	PID=$!
	PIDS+=("$PID")
	exec {ERRS}<"$dir/err"
	INPUTS+=("$ERRS")
	await_lab
}

# Reads the next event that the state is there.
await_lab() {
	local line
	EVENTS=()
	while IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line; do
		EVENTS+=("$line")
		[[ $line == *'"type":"lab",'* ]] || continue
		IFS=$'\t' read -r STATE US PEER PEER_STATE < <(jq -r '
			[.state, .local_addr, .local_port, .peer_addr, .peer_port, .peer_state] |
			"\(.[0])\t\(.[1]):\(.[2])\t\(.[3] // "*"):\(.[4] // "*")\t\(.[5] // "")"' <<<"$line")
		return 0
	done
	printf '%s\n' "never ready:" "${EVENTS[@]}" >&2
	return 1
}

# The state of a connection, or of a listener (PEER *:*), as ss and as inspect have it, in
# the words of inspect; empty where there is none.
ss_state() { # US PEER
	local state
	if [[ $2 == '*:*' ]]; then
		state=$(in_ns ss -Hltn "src $1" | awk '{ print $1 }')
	else
		state=$(in_ns ss -Htan "src $1 and dst $2" | awk '{ print $1 }')
	fi
	state=${state//-/_}
	state=${state/FIN_WAIT_/FIN_WAIT}
	echo "${state/ESTAB/ESTABLISHED}"
}

# A socket that is bound alone still has the peer of the connection that was reset.
inspect_state() { # US PEER
	local which=(--state all "src = $1 and dst = $2")
	[[ $2 == '*:*' ]] && which=('listen or state = bound-inactive' "src = $1")
	in_ns "$SOCKCTL" inspect --no-findings --format raw -H -o state "${which[@]}"
}

# What was told is what the kernel has, of both ends.
assert_made() { # LABEL
	local state=$STATE
	# A socket without a connection is in no table but that of bound ones, which older
	# versions of ss do not show.
	if [[ $STATE == CLOSE ]]; then
		state=BOUND_INACTIVE
	else
		assert_equal "$1, ss: $(ss_state "$US" "$PEER")" "$1, ss: $state"
	fi
	assert_equal "$1, inspect: $(inspect_state "$US" "$PEER")" "$1, inspect: $state"
	[[ $PEER == '*:*' ]] && return
	assert_equal "$1, peer, ss: $(ss_state "$PEER" "$US")" "$1, peer, ss: $PEER_STATE"
	assert_equal "$1, peer, inspect: $(inspect_state "$PEER" "$US")" "$1, peer, inspect: $PEER_STATE"
}

# SIDE STATE of the table, one a line; what the kernel ends soonest comes last.
all_states() {
	"$SOCKCTL" porcelain lab | awk -F '\t' '
		{ n = split($2, side, ","); for (i = 1; i <= n; i++) print ($1 == "TIME_WAIT"), side[i], $1 }' |
		sort -s -k1,1 | cut -d' ' -f2-
}

# The state that a name of the table stands for.
state_of_name() { # NAME
	local name=${1%%-*}
	[[ $name == BOUND_INACTIVE ]] && name=CLOSE
	echo "$name"
}

make_every_state() {
	local side name i made=() pids=() seen
	while read -r side name; do
		lab "$side" "$name"
		assert_equal "$STATE" "$(state_of_name "$name")"
		assert_made "$side $name"
		made+=("$side $name|$STATE|$US|$PEER|$PEER_STATE")
		pids+=("$PID")
		seen+=" $STATE"
	done < <(all_states)
	assert_int "${#made[@]} > 20"
	# All eleven states of TCP were among them.
	for name in LISTEN SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSING TIME_WAIT CLOSE_WAIT LAST_ACK CLOSE; do
		[[ " $seen " == *" $name "* ]] || fail "no $name"
	done
	# They are held: all are there at once, the last ones first.
	for ((i = ${#made[@]} - 1; i >= 0; i--)); do
		IFS='|' read -r name STATE US PEER PEER_STATE <<<"${made[i]}"
		assert_made "$name, held"
		kill -TERM "${pids[i]}"
		end_of "${pids[i]}"
		assert_equal "$name: $ENDED" "$name: 143"
	done
	PIDS=("${PIDS[0]}") # that of the namespace
	# Nothing is left but what nobody can take back.
	assert_equal "$(in_ns ss -Htan not state time-wait)" ''
}

@test "every state of the table is made and held, as root" {
	skip_unless_root "an ordinary user is the next test"
	netns
	make_every_state
}

@test "every state of the table is made and held, as an ordinary user" {
	netns
	be_ordinary
	make_every_state
}

@test "--strict makes the same states with a filter, without queued data" {
	local side name
	skip_unless_root "socket filters on TCP need CAP_NET_ADMIN"
	netns
	while read -r side name; do
		lab "$side" "$name" --strict
		assert_equal "$STATE" "$name"
		assert_made "$side $name"
		assert_json_in "${EVENTS[*]}" '.[-1].strict and ([.[].call // ""] | any(startswith("SO_ATTACH_FILTER"))
			and all(startswith("send(") | not))'
		# Nothing but a FIN is in the send queue.
		[[ $name == SYN_* ]] || assert_equal "$(in_ns ss -Htan "src $US and dst $PEER" | awk '{ print $3 }')" 1
	done < <("$SOCKCTL" porcelain lab | awk -F '\t' '$6 != "" {
		n = split($2, side, ","); for (i = 1; i <= n; i++) print side[i], $1 }')
}

@test "--strict without the right ends with 3 and says what to do" {
	netns
	if is_root; then
		sockctl_as_user listen --lab CLOSING --strict
	else
		run --separate-stderr "$SOCKCTL" listen --lab CLOSING --strict
	fi
	assert_refused 3 'attach a socket filter: Operation not permitted.*CAP_NET_ADMIN.*without --strict: our FIN is stuck'
	assert_output ''
}

@test "--strict where no filter is needed says so" {
	netns
	lab connect FIN_WAIT2 --strict
	assert_contains "${EVENTS[0]}" "FIN_WAIT2 needs no filter"
	assert_made FIN_WAIT2
	assert_json_in "${EVENTS[*]}" '.[-1].strict == false'
}

@test "each step is told with the states of both ends, then the ends, then the ready line" {
	local line dir lines=()
	netns
	serve listen --lab last_ack 127.0.0.1:0
	# serve has read up to the address.
	IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line
	assert_regex "$line" '^ready: LAST_ACK (127\.0\.0\.1:[0-9]+) (127\.0\.0\.1:[0-9]+)$'
	assert_equal "${BASH_REMATCH[1]}" "$ADDR"
	assert_equal "$(ss_state "$ADDR" "${BASH_REMATCH[2]}")" LAST_ACK
	end_served
	assert_equal "$status" 143
	assert_equal "$stderr" ''

	dir=$BATS_TEST_TMPDIR
	mkfifo "$dir/told"
	"${IN_FRONT[@]}" "${NS[@]}" "$SOCKCTL" connect --lab Fin-Wait-2 </dev/null >"$dir/out" 2>"$dir/told" 3>&- &
	PID=$!
	PIDS+=("$PID")
	while IFS= read -r -t "$READY_WITHIN" line; do
		lines+=("$line")
		[[ $line == ready:* ]] && kill -s INT "$PID"
	done <"$dir/told"
	await_end "$PID" 130
	assert_equal "$(<"$dir/out")" ''
	assert_regex "${lines[0]}" '^ +we +the peer$'
	assert_regex "${lines[1]}" '^peer +bind\([0-9]+, 127\.0\.0\.1:[0-9]+\) +- +CLOSE '
	assert_regex "${lines[2]}" '^peer +listen\([0-9]+, -1\) +- +LISTEN '
	assert_regex "${lines[3]}" '^we +connect\([0-9]+, 127\.0\.0\.1:[0-9]+\) +ESTABLISHED +ESTABLISHED '
	assert_regex "${lines[4]}" '^peer +accept4\([0-9]+\) = [0-9]+ +ESTABLISHED +ESTABLISHED '
	assert_regex "${lines[5]}" '^we +shutdown\([0-9]+, SHUT_WR\) +FIN_WAIT2 +CLOSE_WAIT '
	assert_regex "${lines[6]}" '^we +(127\.0\.0\.1:[0-9]+) -> (127\.0\.0\.1:[0-9]+) +FIN_WAIT2$'
	assert_regex "${lines[7]}" "^peer +${BASH_REMATCH[2]} -> ${BASH_REMATCH[1]} +CLOSE_WAIT\$"
	assert_equal "${lines[8]}" "kept for ever: the descriptors stay open"
	assert_regex "${lines[9]}" '^ready: FIN_WAIT2 127'
	assert_equal "${#lines[@]}" 10
}

@test "-q says nothing; the state is there all the same" {
	netns
	"${NS[@]}" "$SOCKCTL" connect -q --lab CLOSING </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	PIDS+=($!)
	until_true inspect_has closing 0-65535
	assert_equal "$(<"$BATS_TEST_TMPDIR/out")" ''
}

@test "the events are what the schema says, and count from the first step to the last" {
	netns
	lab listen TIME_WAIT
	assert_valid "$(printf '%s\n' "${EVENTS[@]}")"
	assert_equal "$(jq -r .type <<<"${EVENTS[*]}" | uniq | paste -sd ' ')" 'lab_step listening lab'
	assert_json_in "${EVENTS[*]}" '.[-1] | .verified and .renewed == 0 and .side == "listen" and .lab == "TIME_WAIT"'
}

@test "the full queue is as long as --backlog says" {
	netns
	lab listen LISTEN-full --backlog 5
	assert_equal "$(in_ns ss -Hltn "src $US" | awk '{ print $2 "/" $3 }')" 6/5
	assert_equal "$(in_ns "$SOCKCTL" inspect --json --no-findings -l "src = $US" |
		jq -c 'select(.type == "socket") | [.accept_queue, .accept_queue_full]')" '[6,true]'
}

@test "unaccepted connections are known as such to inspect" {
	netns
	lab listen CLOSE_WAIT-unaccepted
	assert_equal "$(in_ns "$SOCKCTL" inspect --json --no-findings "src = $US and dst = $PEER" |
		jq -c 'select(.type == "socket") | [.state, .unaccepted]')" '["CLOSE_WAIT",true]'
}

@test "what the kernel ends is made anew, and that is said" {
	local first
	netns
	lab listen SYN_RECV --option defer-accept=1s
	first=$PEER
	await_lab
	assert_equal "$(jq -r 'select(.type == "note") | .text' <<<"${EVENTS[0]}" | sed -E 's/[0-9.]+ s/N s/')" \
		"the kernel has ended SYN_RECV after N s (we are ESTABLISHED, the peer ESTABLISHED): it is made anew"
	assert_json_in "${EVENTS[*]}" '.[-1].renewed == 1'
	assert_not_equal "$PEER" "$first"
	# It ends and is made anew every second.
	until_true has_state syn-recv "${US##*:}"
	lab connect SYN_SENT --option syn-count=1
	await_lab
	assert_contains "${EVENTS[0]}" "has ended SYN_SENT after " " s (we are CLOSE, the peer -): it is made anew"
	until_true has_state syn-sent "${PEER##*:}" peer
}

@test "a state that somebody else ends is made anew, the listener too" {
	local first
	skip_unless_root "only root may destroy sockets"
	netns
	lab listen TIME_WAIT
	first=$PEER
	[[ -n $(in_ns ss -HKtan "src $US and dst $PEER" 2>/dev/null) ]] || skip "this kernel destroys no sockets"
	await_lab
	assert_not_equal "$PEER" "$first"
	assert_contains "${EVENTS[0]}" "has ended TIME_WAIT after "
	assert_made TIME_WAIT
	lab listen LISTEN-full
	first=$US
	in_ns ss -HKltn "src $US" >/dev/null
	await_lab
	assert_equal "$US" "$first"
	assert_made LISTEN-full
}

@test "IPv6, an address of one's own, every address: the listener is there" {
	netns
	in_ns ip address add 192.0.2.7/32 dev lo
	lab listen CLOSE_WAIT -6
	assert_regex "$US" '^::1:'
	assert_regex "$PEER" '^::1:'
	assert_contains "$(in_ns ss -Htan6 state close-wait)" "[::1]:${US##*:}"
	lab connect LAST_ACK 192.0.2.7:8080
	assert_equal "$PEER" 192.0.2.7:8080
	assert_made 192.0.2.7
	lab listen LAST_ACK '*:8081'
	assert_regex "$US" ':8081$'
	assert_contains "$(in_ns ss -Htan state last-ack)" ":8081 "
}

@test "--background returns when the state is there, --port-file has the address" {
	netns
	run --separate-stderr in_ns "$SOCKCTL" listen --lab CLOSE_WAIT --background --port-file "$BATS_TEST_TMPDIR/port"
	assert_success
	local addr
	addr=$(<"$BATS_TEST_TMPDIR/port")
	assert_equal "$(in_ns ss -Htan state close-wait "src $addr" | wc -l)" 1
	assert_contains "$stderr" "listening on $addr"
	in_ns ss -Htanp state close-wait "src $addr" | grep -oE 'pid=[0-9]+' | cut -d= -f2 | sort -u | xargs kill
	gone() {
		assert_equal "$(in_ns ss -Htan state close-wait)" ''
	}
	until_true gone
}

@test "an address that cannot be had: 3 and the cause, in the background too" {
	netns
	serve listen -k 127.0.0.1:0
	sockctl connect --lab FIN_WAIT2 "$ADDR"
	assert_refused 3 "bind $ADDR: Address already in use"
	assert_contains "$stderr" "listener " "sockctl[$PID]"
	sockctl listen --background --lab FIN_WAIT2 "$ADDR"
	assert_refused 3 "bind $ADDR: Address already in use"
}

@test "a state that cannot be reached is told, with where it stuck" {
	skip_unless_root "a setting of the namespace"
	netns
	in_ns sysctl -qw net.ipv4.tcp_max_tw_buckets=0
	sockctl listen --lab TIME_WAIT
	assert_refused 3 'close.*: TIME_WAIT is not reached: we are CLOSE .TIME_WAIT was to come., the peer is nowhere'
	assert_contains "$stderr" tcp_max_tw_buckets
}

@test "names are taken in any spelling; what is wrong is answered with what is right" {
	netns
	for name in syn-recv Syn_Recv SYN_RECV; do
		lab listen "$name"
		assert_equal "$STATE" SYN_RECV
	done
	sockctl listen --lab SYN_SENT
	assert_refused 2 'SYN_SENT is no state of the end that listens.*sockctl connect --lab SYN_SENT'
	sockctl connect --lab TIME_WAI
	assert_refused 2 "no recipe for 'TIME_WAI'.*did you mean 'TIME_WAIT'"
	sockctl connect --strict 127.0.0.1:1
	assert_refused 2 'strict belongs to --lab'
	sockctl listen --lab LISTEN udp:127.0.0.1:0
	assert_refused 2 'those of TCP, not of udp'
	sockctl listen --lab LISTEN --keep
	assert_refused 2 'keep has no place in --lab'
	sockctl connect --lab CLOSING --hold 1s
	assert_refused 2 'hold has no place in --lab'
	sockctl listen --lab LISTEN a b
	assert_refused 2 "'a b' are two words"
}

@test "a call that fails ends it with 3 and what failed; nothing is said to be ready" {
	local call when
	command -v strace >/dev/null || skip "strace is not installed"
	netns
	for call in socket:2 socket:3 bind:2 listen:1 connect:1 accept4:1 recvfrom:1 shutdown:1 epoll_create1:1 signalfd4:1; do
		when=${call#*:} call=${call%:*}
		run --separate-stderr in_ns env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout --foreground "$READY_WITHIN" \
			strace -o /dev/null -e trace="$call" -e inject="$call:error=ENOMEM:when=$when" "$SOCKCTL" listen --lab CLOSE_WAIT
		assert_refused 3 'Cannot allocate memory'
		[[ $stderr != *ready* ]] || fail "$call: ready"
	done
}
