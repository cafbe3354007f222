#!/usr/bin/env bats
# Exit codes: 0 yes, 1 the answer is no, 2 usage, 3 could not ask; and stderr says why.

load ../lib/helpers
load ../lib/inspect

@test "0: something matched" {
	netns
	mk listen:port=80
	inspect
	assert_equal "$status" 0
	inspect --port 80
	assert_equal "$status" 0
}

@test "1: nothing matched" {
	netns
	inspect
	assert_equal "$status" 1
	inspect --port 80
	assert_equal "$status" 1
	inspect --json 'sport = 80'
	assert_equal "$status" 1
	inspect --port 80 --allow-empty
	assert_equal "$status" 0
}

@test "letters that ss has and we spell otherwise are answered with the spelling" {
	for pair in '-i:-o \+tcp' '-m:-o \+memory' '-e:-o \+uid,inode,cookie,timer' '-s:--summary' '-tanpi:-o \+tcp'; do
		inspect "${pair%%:*}"
		assert_refused 2 "no such option here.*${pair#*:}"
	done
}

@test "--count and --summary do not count nothing as no" {
	netns
	inspect --count
	assert_equal "$status" 0
	assert_output 0
	inspect --summary
	assert_equal "$status" 0
}

@test "2: options that are wrong, with what is right" {
	local args
	netns
	for args in --no-such-option -Z --port --port=x --port=99999 --limit=x --format=xml --color=blue \
		--state=nonsense '--sort=' '-o ,' --jso '--port=80,' '--user=no-such-user-here' --from; do
		# shellcheck disable=SC2086
		inspect $args
		if ((status != 2)) || [[ -n $output || $stderr != sockctl* ]]; then
			fail "$args: status $status, stdout '$output', stderr '$stderr'"
		fi
	done
	inspect --jso
	assert_refused 2 "did you mean '--json'"
	inspect --listne
	assert_refused 2 "did you mean '--listen'"
}

@test "fingers trained on ss and netstat" {
	netns
	mk listen:port=80 established
	inspect_table -tlnp
	assert_success
	assert_line --regexp '^LISTEN .* mksock\['
	inspect_table -tanp
	assert_success
	assert_equal "${#lines[@]}" 4
	for letter in z U; do
		inspect "-$letter"
		assert_refused 2 'there is no such option here'
	done
}

@test "unknown and missing commands" {
	sockctl
	assert_refused 2 'which command'
	sockctl inspct
	assert_refused 2 "did you mean 'inspect'"
	sockctl --no-such
	assert_refused 2 'no-such'
	sockctl help nonsense
	assert_refused 2 'nonsense'
}

@test "--version says the version and the optional parts" {
	sockctl --version
	assert_clean
	assert_line --index 0 --regexp '^sockctl [0-9]+\.[0-9]+\.[0-9]+'
	assert_output --partial 'optional parts'
	want=$output
	sockctl -V
	assert_equal "$output" "$want"
}

@test "an empty table says so on stderr, machine formats stay silent" {
	netns
	inspect
	assert_equal "$status:$output" 1:
	assert_equal "$stderr" 'sockctl inspect: no TCP socket matches (-u: UDP, -x: unix sockets)'
	inspect -u --port 81
	assert_equal "$status:$output" 1:
	assert_equal "$stderr" 'sockctl inspect: no socket matches'
	inspect --json
	assert_equal "$status" 1
	assert_equal "$stderr" ''
	inspect --allow-empty
	assert_equal "$status:$stderr" 0:
}

@test "-q says nothing, the code is the answer" {
	netns
	mk listen:port=80
	inspect -q --port 80
	assert_equal "$status" 0
	assert_equal "$stderr" ''
	inspect -q --port 81
	assert_equal "$status" 1
	assert_equal "$stderr" ''
}

@test "nothing is asked of stdin, and a closed one does no harm" {
	netns
	mk listen:port=80
	run --separate-stderr bash -c "'${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect <&-"
	assert_equal "$status" 0
	run --separate-stderr bash -c "'${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect <&- 2>&-"
	assert_equal "$status" 0
}

@test "--wait waits until something matches, --until-gone until nothing does" {
	netns
	mk listen:port=80
	spawn "${NS[@]}" "$SOCKCTL" inspect --wait 30s --port 81 --format raw -H -o local_port
	waiter=$PID out=$OUT
	mk_more listen:port=81,label=later
	OUT=$out
	await_line '^81$'
	await_end "$waiter"
	spawn "${NS[@]}" "$SOCKCTL" inspect --until-gone --wait 30s --port 81
	waiter=$PID
	mk_more close:of=later.listener
	await_end "$waiter"
}

@test "4: --wait has a deadline, and so has --until-gone" {
	netns
	mk listen:port=80
	inspect --wait 50ms --port 81
	assert_equal "$status" 4
	inspect --until-gone --wait 50ms --port 80
	assert_equal "$status" 4
	inspect --wait 30s --port 80
	assert_equal "$status" 0
}

@test "--fail-fill, --fail-drops and --fail-if: 1 when the threshold is hit, 0 when not" {
	netns
	mk listen:port=80,backlog=3,queued=2 listen:port=81,backlog=1,queued=2,syn_sent=2,label=full
	for args in '--fail-fill 50 --port 80' '--fail-fill 100 --port 81' '--fail-drops --port 81' \
		'--fail-if accept_queue>1 --port 80' '--fail-if rtt>0us -l --fail-drops'; do
		# shellcheck disable=SC2086
		inspect $args
		assert_equal "$args $status" "$args 1"
	done
	for args in '--fail-fill 90 --port 80' '--fail-drops --port 80' '--fail-if accept_queue>5 --port 80' \
		'--fail-if rtt>0us -l' '--fail-fill 90 --port 82'; do
		# shellcheck disable=SC2086
		inspect $args
		assert_equal "$args $status" "$args 0"
	done
}
