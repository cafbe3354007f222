#!/usr/bin/env bats
# What scripts ask of inspect: thresholds and waiting. The exit code is the answer, each
# cause is a line on stderr.

load ../lib/helpers

setup() {
	netns
}

# The code, and exactly these lines on stderr, by regular expressions.
assert_said() { # CODE [REGEX]...
	local code=$1 i=0 regex
	shift
	assert_equal "$status" "$code"
	assert_equal "${#stderr_lines[@]}" "$#"
	for regex in "$@"; do
		[[ ${stderr_lines[i]} =~ ^$regex$ ]] || fail "not '$regex': ${stderr_lines[i]}"
		i=$((i + 1))
	done
}

@test "--fail-fill: one line a listener, with its place and figures" {
	mk listen:backlog=3,queued=3,label=a listen:backlog=1,queued=2,label=b listen:backlog=9,queued=1,label=c
	inspect -l --fail-fill 75 --sort accept_queue_limit
	assert_said 1 "sockctl inspect: the accept queue of ${F[a.listener.local]} is 75 % full \(3/3\)" \
		"sockctl inspect: the accept queue of ${F[b.listener.local]} is 100 % full \(2/1\)" ||
		assert_said 1 "sockctl inspect: the accept queue of ${F[b.listener.local]} is 100 % full \(2/1\)" \
			"sockctl inspect: the accept queue of ${F[a.listener.local]} is 75 % full \(3/3\)"
	inspect -l --fail-fill 76
	assert_said 1 "sockctl inspect: the accept queue of ${F[b.listener.local]} is 100 % full \(2/1\)"
	inspect -l --fail-fill 10 --port "$(port_of c.listener)"
	assert_said 1 ".* is 10 % full \(1/9\)"
	inspect -l --fail-fill 11 --port "$(port_of c.listener)"
	assert_said 0
	mk_more unix_listen:abstract=full,backlog=0,queued=1
	inspect -x --fail-fill 80 'path = @full'
	assert_said 1 'sockctl inspect: the accept queue of @full is 100 % full \(1/0\)'
}

@test "--fail-drops: listeners and UDP sockets that have lost something" {
	mk listen:backlog=1,queued=2,syn_sent=1 udp:rcvbuf=4096,drops listen:label=good
	inspect -l --fail-drops --wait 30s 'drops >= 1'
	assert_said 1 "sockctl inspect: ${F[listen.listener.local]} has dropped [0-9]+ packets?"
	inspect -u --fail-drops
	assert_said 1 "sockctl inspect: ${F[udp.server.local]} has dropped [0-9]+ packets"
	inspect -l --fail-drops --port "$(port_of good.listener)"
	assert_said 0
}

@test "--fail-if: an expression, a count with every comparison, several causes" {
	mk established:n=3 close_wait:n=2
	inspect --fail-if 'state = close-wait'
	assert_said 1 'sockctl inspect: --fail-if state = close-wait: 2 sockets'
	inspect --fail-if 'state = syn-sent'
	assert_said 0
	inspect --fail-if "sport = $(port_of established.client0)"
	assert_said 1 '.*: 1 socket'
	while read -r code op; do
		inspect --fail-if "count(state = established) $op"
		assert_equal "$op $status" "$op $code"
	done <<-'END'
		1 > 5
		0 > 6
		1 >= 6
		0 >= 7
		1 < 7
		0 < 6
		1 <= 6
		0 <= 5
		1 = 6
		0 == 5
		1 != 5
		0 != 6
	END
	inspect --fail-if 'count(state=close-wait)>1' --fail-if 'count( (state = established) and (sport > 0) ) > 0' \
		--fail-if 'count(state = listen) > 0'
	assert_said 1 'sockctl inspect: --fail-if count\(state=close-wait\)>1: 2 sockets' \
		'sockctl inspect: --fail-if count\( \(state = established\) and \(sport > 0\) \) > 0: 6 sockets'
}

@test "--fail-if counts by the program that holds the sockets" {
	mk comm:name=leaker close_wait:n=3
	# Processes that may not be read are noted on stderr as well.
	inspect --fail-if 'count(state = close-wait and process = leaker) > 2'
	assert_equal "$status" 1
	assert_contains "$stderr" ': 3 sockets'
	inspect --fail-if 'count(state = close-wait and process = other) > 0'
	assert_equal "$status" 0
}

@test "--fail-if: a count without a number is refused behind the comparison" {
	inspect --fail-if 'count(state = listen) >'
	assert_refused 2 $'is compared with a number, and nothing else\n  count\\(state = listen\\) >\n                         \\^'
}

@test "--fail-if: what is no rule is refused, with the place" {
	while IFS='|' read -r rule regex; do
		inspect --fail-if "$rule"
		assert_refused 2 "$regex"
	done <<-'END'
		count(state = listen|bracket of count
		count(state = listen)|wants a comparison
		count(state = listen) > many|many
		count(state = listen) > 1 and sport = 1|repeated: one cause each
		count > 1|counted by count.EXPRESSION. > N
		|the expression is empty
		count(stat = listen) > 1|state
		sport >|sport
	END
}

@test "thresholds do not depend on what is shown" {
	mk listen:backlog=1,queued=2 established:n=5
	inspect --limit 1 --fail-if 'count(state = established) >= 10'
	assert_equal "$status" 1
	inspect --count --fail-fill 100
	assert_equal "$status" 1
	inspect --group state --fail-fill 100
	assert_equal "$status" 1
	inspect --json --fail-fill 100
	assert_equal "$status" 1
	assert_json 'last.type == "end" and last.complete'
}

@test "nothing matched: 1, but 0 with --allow-empty or a threshold that holds" {
	inspect -l
	assert_equal "$status" 1
	inspect -l --allow-empty
	assert_said 0
	inspect -l --fail-fill 80
	assert_said 0
	inspect -l --allow-empty --fail-if 'count(state = listen) < 1'
	assert_said 1 '.*: 0 sockets'
}

@test "--wait: what is there already is shown at once, and what comes when it comes" {
	mk listen:port=80
	inspect --wait 30s -l --port 80 --format raw -H -o local_port
	assert_said 0
	assert_output 80
	spawn "${NS[@]}" "$SOCKCTL" inspect --wait 30s --format raw -H -o local_port -l --port 81
	local waiter=$PID out=$OUT
	mk_more listen:port=81,label=later
	OUT=$out
	await_line '^81$'
	await_end "$waiter"
}

@test "--wait: at the deadline 4, and the nearest thing" {
	mk established:port=80,listener bound:port=81
	inspect --wait 20ms --port 80 --state close-wait
	assert_said 4 'sockctl inspect: nothing matched within 20 ms' 'sockctl inspect: nearest: .*:80.*'
	assert_output ''
	inspect --wait 20ms --port 4711
	assert_said 4 '.*nothing matched.*' 'sockctl inspect: no socket at all uses these ports'
	inspect --wait 20ms --port 81 --state listen
	assert_said 4 '.*nothing matched.*' 'sockctl inspect: nearest: BOUND_INACTIVE .*:81 .*'
}

@test "--until-gone: 0 when it has gone, 4 with what is left when it has not" {
	mk listen:port=80
	inspect --until-gone --wait 20ms -l --port 80
	assert_said 4 'sockctl inspect: what matches did not go away within 20 ms' \
		'sockctl inspect: still there: LISTEN 127.0.0.1:80 .*'
	spawn "${NS[@]}" "$SOCKCTL" inspect --until-gone --wait 30s -l --port 80
	local waiter=$PID
	mk_more close:of=listen.listener
	await_end "$waiter"
	inspect --until-gone --wait 30s -l --port 80
	assert_said 0
}

@test "--until-gone: the kernel tells of the end, so the wait looks twice a second, not fifty times" {
	command -v strace >/dev/null || skip "needs strace"
	mk listen:port=80 established
	for what in '-l --port 80' "dport = $(port_of established.client0 peer)"; do
		in_ns "${STRACE[@]}" -f -e trace=sendto -o "$BATS_TEST_TMPDIR/calls" \
			"$SOCKCTL" inspect --until-gone --wait 1200ms $what 2>/dev/null || true
		looks=$(grep -c 'sendto(' "$BATS_TEST_TMPDIR/calls")
		# Four looks and the one that says what is left, of a few requests each.
		((looks > 0 && looks <= 25)) || fail "$what: $looks requests"
	done
}

@test "--until-gone: that a state is left is not told by the kernel, and seen all the same" {
	mk established listen:port=80
	spawn "${NS[@]}" "$SOCKCTL" inspect --until-gone --wait 30s --state established \
		"sport = $(port_of established.client0)"
	local waiter=$PID
	mk_more close:of=established.client0
	await_end "$waiter"
}

@test "--until-gone wants a deadline" {
	inspect --until-gone --port 80
	assert_refused 2 '--until-gone wants --wait'
}

@test "a threshold is checked after the wait" {
	mk listen:backlog=1,queued=2
	inspect --wait 30s -l accept_queue_full --fail-fill 100
	assert_equal "$status" 1
}
