#!/usr/bin/env bats
# Every recipe of the LABORATORY section of sockctl-listen(1): the state is made, and ss and
# inspect are asked whether it is really there.

load ../lib/helpers
load ../lib/endpoint

setup() {
	netns
}

# A client in the background; its stdin is empty unless INPUT says otherwise.
client() { # ARGS...
	"${NS[@]}" "$SOCKCTL" connect "$@" <"${INPUT:-/dev/null}" >/dev/null 2>"$BATS_TEST_TMPDIR/client" 3>&- &
	CLIENT=$!
	PIDS+=("$CLIENT")
}

# What inspect says of the listener, or of the connections at its port.
listener() { # COLUMNS
	in_ns "$SOCKCTL" inspect --no-findings --format raw -H -l -o "$1" "sport = :$PORT"
}

clients() { # COLUMNS STATE
	in_ns "$SOCKCTL" inspect --no-findings --format raw -H -o "$1" --state "$2" "dport = :$PORT"
}

# What both say of the connections of the server, or of those of its peer: each figure as ss
# names it (-i), or the receive queue, and as inspect does.
both_say() { # local|peer SS_PATTERN COLUMN VALUE_REGEX
	local side=sport
	[[ $1 == peer ]] && side=dport
	in_ns ss -Htni state connected "$side = :$PORT" | grep -qE "$2" &&
		in_ns "$SOCKCTL" inspect --no-findings --format raw -H -o "$3" "$side = :$PORT and state != listen" |
		grep -qxE "$4"
}

found() { # ID
	assert_json_in "$(in_ns "$SOCKCTL" inspect --findings --json)" 'any(.[]; .type == "finding" and .id == $id)' --arg id "$1"
}

both_see() { # STATE PORT [local|peer]
	until_true has_state "$@"
	inspect_has "$@"
}

queue_is() { # WAITING LIMIT: to both
	[[ $(in_ns ss -Hltn "sport = :$PORT" | awk '{ print $2 "/" $3 }') == "$1/$2" &&
		$(listener accept_queue,accept_queue_limit) == "$1"$'\t'"$2" ]]
}

queue_above() { # WAITING
	(($(in_ns ss -Hltn "sport = :$PORT" | awk '{ print $2 }') > $1))
}

queue_below() { # WAITING
	(($(in_ns ss -Hltn "sport = :$PORT" | awk '{ print $2 }') < $1))
}

@test "full accept queue: --no-accept --backlog 2 holds three, the rest are SYN_SENT" {
	serve listen --no-accept --backlog 2 127.0.0.1:0
	# One after the other: a SYN that comes before the queue is full is answered.
	client --connections 3 --hold 1m "$ADDR"
	until_true queue_is 3 2
	client --connections 2 --hold 1m "$ADDR"
	both_see syn-sent "$PORT" peer
	assert_equal "$(ss_count established "$PORT")" 3
}

@test "--accept-delay and --accept-rate leave peers in the queue for a while" {
	serve listen -k --accept-delay 1h 127.0.0.1:0
	client --connections 2 --hold 1m "$ADDR"
	until_true queue_is 2 4096
	serve listen -k --accept-rate 1/s 127.0.0.1:0
	client --connections 60 --hold 1m "$ADDR"
	until_true queue_above 40
	until_true queue_below 59
}

@test "a client that gave up while queued is still counted in the queue" {
	serve listen --no-accept 127.0.0.1:0
	sockctl connect --hold 0 --option linger=0 "$ADDR"
	assert_equal "$status" 0
	until_true queue_is 1 4096
	until_true eval '(($(ss_count established "$PORT") == 0))'
	assert_equal "$(listener waiting,gave_up)" $'0\t1'
}

@test "CLOSE_WAIT leak: --keep --no-close reads the end, --no-read does not" {
	serve listen --keep --no-close 127.0.0.1:0
	sockctl connect "$ADDR" --hold 0 </dev/null
	both_see close-wait "$PORT"
	serve listen --keep --no-read 127.0.0.1:0
	sockctl connect "$ADDR" --send unread --hold 0
	both_see close-wait "$PORT"
	assert_equal "$(in_ns ss -Htn state close-wait "sport = :$PORT" | awk '{ print $1 }')" 7
}

@test "FIN_WAIT2: connect --half-close --hold against listen --no-close" {
	serve listen --no-close 127.0.0.1:0
	client --half-close --hold 1h "$ADDR"
	both_see fin-wait-2 "$PORT" peer
	both_see close-wait "$PORT"
}

@test "TIME_WAIT on the server's side with --close-first, on the client's without" {
	serve listen -k --close-first --reply x 127.0.0.1:0
	sockctl connect --send hello --no-half-close "$ADDR"
	both_see time-wait "$PORT"
	serve listen -k 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	both_see time-wait "$PORT" peer
}

@test "TIME_WAIT by the hundred: --connections with --rate" {
	serve listen -k 127.0.0.1:0
	sockctl connect --connections 300 --rate 3000/s "$ADDR"
	assert_equal "$status" 0
	until_true has_state time-wait "$PORT" peer 300
	assert_equal "$(clients state time-wait | sort | uniq -c | awk '{ print $1, $2 }')" "300 TIME_WAIT"
}

@test "RST instead of FIN: --option linger=0 and --reset-after" {
	serve listen -k --option linger=0 --close-after-bytes 4 127.0.0.1:0
	sockctl connect --send abcdefgh --no-half-close "$ADDR"
	assert_refused 1 "reset the connection"
	serve listen -k --reset-after 4 127.0.0.1:0
	sockctl connect --send abcdefgh --no-half-close "$ADDR"
	assert_refused 1 "reset the connection"
	assert_equal "$(ss_count time-wait "$PORT")" 0
}

@test "SYN_SENT: a black hole made with a route that drops" {
	is_root || skip "needs root: nft in a namespace"
	in_ns nft -f - <<'END'
table inet hole {
	chain in { type filter hook input priority 0; tcp dport 9 drop; }
}
END
	client --timeout 1h 127.0.0.1:9
	both_see syn-sent 9 peer
	sockctl connect --timeout 200ms 127.0.0.1:9
	assert_refused 4 "no answer within (0\.[2-9]|[1-9])[0-9.]* s"
}

@test "SYN_RECV: defer-accept, and a half-open sender" {
	serve listen -k --option defer-accept=30s 127.0.0.1:0
	client --hold 1m "$ADDR"
	both_see syn-recv "$PORT"
	is_root || return 0
	serve listen -k 127.0.0.1:0
	client --half-open "$ADDR"
	both_see syn-recv "$PORT"
	both_see syn-sent "$PORT" peer
}

@test "SYN_RECV by an overfull queue: the last ACKs are dropped, the clients know nothing of it" {
	serve listen --no-accept --backlog 2 --option defer-accept=30s 127.0.0.1:0
	# All have shaken hands when the first one speaks.
	client --connections 5 --delay 1s --send x --hold 1m "$ADDR"
	until_true queue_is 3 2
	both_see syn-recv "$PORT"
	until_true eval '(($(ss_count syn-recv "$PORT") == 2))'
	assert_equal "$(ss_count established "$PORT" peer)" 5
	assert_equal "$(listener syn_queue)" 2
}

@test "zero window: --no-read stops the sender" {
	serve listen -k --no-read --option rcvbuf=4k 127.0.0.1:0
	head -c 8388608 /dev/zero >"$BATS_TEST_TMPDIR/zeros"
	INPUT=$BATS_TEST_TMPDIR/zeros client "$ADDR"
	stuck() {
		in_ns ss -Htnoi state established "dport = :$PORT" | grep -q 'timer:(persist'
	}
	until_true stuck
	# Between a probe and the next the timer is not set for a moment.
	until_true eval '[[ $(clients timer established) == probe ]]'
}

@test "slow reader and slow writer keep their rates" {
	local began ms
	head -c 20480 /dev/zero >"$BATS_TEST_TMPDIR/20k"
	INPUT=$BATS_TEST_TMPDIR/20k serve listen --write-rate 100k/s 127.0.0.1:0
	began=$(date +%s%3N)
	in_ns "$SOCKCTL" connect "$ADDR" </dev/null | cmp - "$BATS_TEST_TMPDIR/20k"
	ms=$(($(date +%s%3N) - began))
	assert_int 'ms >= 100 && ms < READY_WITHIN * 1000'
	serve listen --read-rate 100k/s 127.0.0.1:0
	began=$(date +%s%3N)
	in_ns "$SOCKCTL" connect "$ADDR" <"$BATS_TEST_TMPDIR/20k"
	served
	ms=$(($(date +%s%3N) - began))
	assert_int 'ms >= 100 && ms < READY_WITHIN * 1000'
	cmp "$SERVED" "$BATS_TEST_TMPDIR/20k"
}

@test "slow reader and slow writer, while they are: what waits in the queue, what was sent" {
	head -c 20480 /dev/zero >"$BATS_TEST_TMPDIR/20k"
	INPUT=$BATS_TEST_TMPDIR/20k serve listen --write-rate 100/s 127.0.0.1:0
	client --hold 1m "$ADDR"
	until_true both_say local 'bytes_sent:[0-9]{1,4}( |$)' bytes_sent '[1-9][0-9]{0,3}'
	serve listen --read-rate 100/s 127.0.0.1:0
	INPUT=$BATS_TEST_TMPDIR/20k client --hold 1m "$ADDR"
	until_true both_say local '^[A-Z0-9-]+ +[12][0-9]{4} ' recv_queue '[12][0-9]{4}'
}

@test "tiny segments: --chunk 1 sends one byte a segment" {
	printf 0123456789 >"$BATS_TEST_TMPDIR/ten"
	INPUT=$BATS_TEST_TMPDIR/ten serve listen --info --chunk 1 --chunk-delay 5ms 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	assert_output 0123456789
	served
	assert_regex "$stderr" 'segments out ([0-9]+)'
	assert_int 'BASH_REMATCH[1] >= 10'
	serve listen --no-close 127.0.0.1:0
	INPUT=$BATS_TEST_TMPDIR/ten client --chunk 1 --chunk-delay 5ms --hold 1m "$ADDR"
	until_true both_say peer 'data_segs_out:1[0-9]( |$)' data_segs_out '1[0-9]'
	both_say local 'bytes_received:10( |$)' bytes_received 10
}

@test "--corrupt, --truncate and --close-after-bytes spoil what is sent" {
	printf 'aaaaaaaaaa' >"$BATS_TEST_TMPDIR/a"
	INPUT=$BATS_TEST_TMPDIR/a serve listen --corrupt 4 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	assert_output 'aaa`aaa`aa'
	INPUT=$BATS_TEST_TMPDIR/a serve listen --truncate 7 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	assert_output aaaaaaa
	INPUT=$BATS_TEST_TMPDIR/a serve listen --close-after-bytes 3 127.0.0.1:0
	sockctl connect --no-half-close --recv-only "$ADDR"
	assert_output aaa
	# The kernel counts the FIN, too.
	INPUT=$BATS_TEST_TMPDIR/a serve listen --truncate 7 127.0.0.1:0
	client --hold 1m "$ADDR"
	until_true both_say local 'bytes_sent:[78]( |$)' bytes_sent '[78]'
	both_see fin-wait-2 "$PORT"
}

@test "--mute answers nothing, --delay answers late, --hold 0 closes at once" {
	local began ms how
	serve echo --mute
	sockctl connect -I 200ms --send x --no-half-close "$ADDR"
	assert_refused 4 "idle limit"
	assert_output ""
	serve echo --delay 150ms
	began=$(date +%s%3N)
	sockctl connect --send late "$ADDR"
	ms=$(($(date +%s%3N) - began))
	assert_output late
	assert_int 'ms >= 150 && ms < READY_WITHIN * 1000'
	for how in --mute '--delay 1h'; do
		# shellcheck disable=SC2086 # an option and its value
		serve echo $how
		client --send x --hold 1m "$ADDR"
		until_true both_say local 'bytes_received:1( |$)' bytes_received 1
		run ! both_say local 'bytes_sent:' bytes_sent '[1-9].*'
	done
	serve listen -k --hold 0 127.0.0.1:0
	sockctl connect --recv-only "$ADDR"
	assert_equal "$status" 0
	assert_output ""
}

@test "EMFILE: --limit-fds runs out, says so, waits without spinning, and recovers" {
	serve listen --keep --no-close --limit-fds 20 127.0.0.1:0
	client --connections 30 --hold 1h "$ADDR"
	IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line
	assert_regex "$line" 'Too many open files$'
	until_true queue_above 10
	assert_int "$(listener accept_queue) > 10"
	found descriptor-exhaustion
	# A tenth of a second of processor time would be a spin.
	local before after
	before=$(awk '{ print $14 + $15 }' "/proc/$PID/stat")
	run ! timeout 0.5 tail --pid="$PID" -f /dev/null
	after=$(awk '{ print $14 + $15 }' "/proc/$PID/stat")
	assert_int 'after - before < 10'
	serve listen --keep --limit-fds 20 127.0.0.1:0
	sockctl connect --connections 60 --send x "$ADDR"
	assert_equal "$status" 0
}

@test "EADDRINUSE: TIME_WAIT with --no-reuseaddr, and a live listener in any case" {
	serve listen --no-reuseaddr --reply x --close-first 127.0.0.1:0
	sockctl connect --send y --no-half-close "$ADDR"
	served
	both_see time-wait "$PORT"
	sockctl listen --no-reuseaddr "$ADDR"
	assert_refused 3 "bind $ADDR: Address already in use"
	serve listen -k 127.0.0.1:0
	sockctl listen "$ADDR"
	assert_refused 3 "Address already in use"
	# Who it is, says inspect, and ss the same.
	assert_contains "$stderr" "sockctl[$PID] fd 3 listens on $ADDR"
	assert_equal "$(listener pid)" "$PID"
	in_ns ss -Hltnp "sport = :$PORT" | grep -q "pid=$PID,fd=3"
	sockctl listen "0.0.0.0:$PORT"
	assert_refused 3 "Address already in use"
}

@test "SO_REUSEPORT groups share a port, :: and 0.0.0.0 exclude each other but for v6only" {
	serve listen -k --option reuseport 127.0.0.1:0
	local first=$ADDR
	serve listen -k --option reuseport "$first"
	assert_equal "$ADDR" "$first"
	assert_equal "$(ss_count listening "$PORT")" 2
	assert_equal "$(listener reuseport | grep -c .)" 2
	serve listen -k '[::]:0'
	sockctl listen "0.0.0.0:$PORT"
	assert_refused 3 "Address already in use"
	serve listen -k --option v6only '[::]:0'
	serve listen -k "0.0.0.0:$PORT"
}

@test "--bind-only: the port stays refused and cannot be stolen" {
	serve listen --bind-only 127.0.0.1:0
	# Only newer versions of ss show what is bound and does not listen.
	inspect_has bound-inactive "$PORT"
	sockctl connect "$ADDR"
	assert_refused 1 "Connection refused"
	sockctl listen --no-reuseaddr "$ADDR"
	assert_refused 3 "Address already in use"
	# Most servers set SO_REUSEADDR.
	sockctl listen "$ADDR"
	assert_refused 3 "Address already in use"
}

@test "ephemeral exhaustion inside a narrowed range" {
	in_ns sysctl -qw net.ipv4.ip_local_port_range="50000 50009"
	serve listen -k 127.0.0.1:9000
	sockctl connect --connections 12 --hold 100ms 127.0.0.1:9000
	assert_refused 3 "Cannot assign requested address"
	assert_contains "$stderr" "2 of 12 connections failed"
	in_ns sysctl -qw net.ipv4.ip_local_port_range="51000 51009"
	client --connections 12 --hold 1m 127.0.0.1:9000
	PORT=9000
	until_true has_state established 9000 peer 10
	inspect_has established 9000 peer
	found ephemeral-exhaustion
}
