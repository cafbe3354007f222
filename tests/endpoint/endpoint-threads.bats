#!/usr/bin/env bats
# echo --threads: several loops on one listening descriptor, one story to the outside.

load ../lib/helpers
load ../lib/endpoint

# Descriptors that each epoll of the server watches, the listener and its own included.
watched() { # PID
	local file
	for file in /proc/"$1"/fdinfo/*; do
		grep -c ^tfd: "$file" || true
	done | grep -v '^0$' | sort -n
}

@test "every byte comes back whichever thread it was, and the totals are those of all" {
	serve echo --threads 3 --report 127.0.0.1:0
	until_true eval '(($(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l) >= 3))'
	sockctl echo --client --connections 40 --count 50 --size 3k "$ADDR"
	assert_equal "$status" 0
	assert_contains "$output" "every byte came back right"
	# Those of the first client are closed when the second one comes.
	until_true eval '(($(ss_count established "$PORT") + $(ss_count close-wait "$PORT") == 0))'
	sockctl echo --client --connections 20 --count 1 --size 1m "$ADDR"
	assert_equal "$status" 0
	end_served
	assert_equal "$status" 143
	# How many at a time: some may have all back before a thread gets to what waits for it.
	assert_regex "$stderr" '60 connections, at most ([0-9]+) at a time, 0 failed; received 27115520 bytes'
	assert_int 'BASH_REMATCH[1] >= 1 && BASH_REMATCH[1] <= 40'
	assert_contains "$stderr" "sent 27115520 bytes"
}

@test "peers that stay are spread over the threads" {
	local most least server
	serve echo --threads 3 --report 127.0.0.1:0
	server=$PID
	until_true eval '(($(find "/proc/$server/task" -mindepth 1 -maxdepth 1 | wc -l) >= 3))'
	spawn "$SOCKCTL" connect --connections 300 --hold 1h "$ADDR"
	# Each epoll has the listener, the end of all and what is handed over; one the
	# signals, and what others wake it with to write messages.
	until_true eval '(($(watched "$server" | paste -sd +) == 300 + 3 * 3 + 2))'
	most=$(watched "$server" | tail -1)
	least=$(watched "$server" | head -1)
	# Whoever was awake first took most of them, and handed over what was more than others had.
	((most <= least + least / 8 + 10)) || { watched "$server" && false; }
	PID=$server
	end_served
	assert_contains "$stderr" "300 connections, at most 300 at a time, 0 failed"
}

@test "events are whole lines, each connection has a number of its own" {
	serve_json=$BATS_TEST_TMPDIR/events
	spawn bash -c 'exec "$1" echo --threads 4 --json --port-file "$2" 127.0.0.1:0 2>"$3"' - \
		"$SOCKCTL" "$BATS_TEST_TMPDIR/port" "$serve_json"
	until_true test -s "$BATS_TEST_TMPDIR/port"
	sockctl echo --client --connections 200 --count 2 "$(<"$BATS_TEST_TMPDIR/port")"
	assert_equal "$status" 0
	until_true eval '(($(grep -c "\"type\":\"closed\"" "$serve_json") == 200))'
	kill -TERM "$PID"
	await_end "$PID" 143
	run python3 -c '
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
ids = {t: sorted(e["id"] for e in events if e["type"] == t) for t in ("accepted", "closed")}
print(ids["accepted"] == ids["closed"] == list(range(1, 201)), events[-1]["type"], events[-1]["connections"])' "$serve_json"
	assert_output "True summary 200"
}

@test "a signal ends all of them, connections that are open too" {
	serve echo --threads 4 --report 127.0.0.1:0
	spawn "$SOCKCTL" connect --connections 30 --hold 1h "$ADDR"
	until_true eval '(($(ss_count established "$PORT") == 30))'
	PID=${PIDS[0]}
	end_served INT
	assert_equal "$status" 130
	assert_contains "$stderr" "at most"
	assert_equal "$(ss_count listening "$PORT")" 0
}

@test "the deadline for the first peer is one for all" {
	serve echo --threads 4 --timeout 100ms 127.0.0.1:0
	served
	assert_equal "$status" 4
	assert_equal "$(grep -c 'nobody connected' <<<"$stderr")" 1
	serve echo --threads 4 --timeout 3s --report 127.0.0.1:0
	# So many peers that more than one thread has some; then the deadline passes.
	sockctl connect --connections 20 --hold 3500ms "$ADDR"
	assert_equal "$status" 0
	end_served
	assert_equal "$status" 143
	assert_contains "$stderr" "20 connections"
	refute_contains "$stderr" "nobody connected"
}

@test "out of descriptors: told, and all are served in the end" {
	serve echo --threads 3 --limit-fds 24 --report 127.0.0.1:0
	sockctl echo --client --connections 40 --count 1 "$ADDR" &
	local client=$!
	spawn "$SOCKCTL" connect --connections 30 --hold 300ms "$ADDR"
	await_end "$client"
	await_end "$PID" any
	sockctl echo --client --connections 5 --count 1 "$ADDR"
	assert_equal "$status" 0
	PID=${PIDS[0]}
	end_served
	assert_contains "$stderr" "Too many open files"
}

@test "the path of a unix socket is removed, once" {
	serve echo --threads 2 "unix:$BATS_TEST_TMPDIR/sock"
	sockctl echo --client "unix:$BATS_TEST_TMPDIR/sock"
	assert_equal "$status" 0
	end_served
	refute test -e "$BATS_TEST_TMPDIR/sock"
	assert_equal "$stderr" ''
}

@test "what several threads cannot do is refused" {
	local option
	for option in --once '--accept-delay 1s' '--accept-rate 1/s' --trace; do
		# shellcheck disable=SC2086 # an option and its value
		sockctl echo --threads 2 $option 127.0.0.1:0
		assert_refused 2 "${option%% *}: "
	done
	sockctl echo --threads 2 udp:127.0.0.1:0
	assert_refused 2 "one socket serves every peer"
	sockctl echo --threads 0 127.0.0.1:0
	assert_refused 2 "the least is 1"
	sockctl echo --threads 1000 127.0.0.1:0
	assert_refused 2 "256"
}
