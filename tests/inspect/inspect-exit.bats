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

@test "2: options that exclude each other, with the reason" {
	local words want
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086 # words
		inspect $words
		assert_refused 2 "^sockctl inspect: $want"
		assert_equal "$output" ''
	done <<-'END'
		--count --summary|--count, --summary and --group exclude each other
		--group state --summary|--count, --summary and --group exclude each other
		--group state --count|--count, --summary and --group exclude each other
		--sort inode --count|--sort has nothing to sort with --count, --summary or --group
		--sort inode --summary|--sort has nothing to sort with
		--sort inode --group state|--sort has nothing to sort with
		--limit 3 --count|--limit has nothing to limit with --count or --summary
		--limit 3 --summary|--limit has nothing to limit
		--netns x --from x|--from reads a file, --netns the kernel: only one of them
		--record x --from x|--from reads a file: there is nothing to --record
		--from x reuseaddr|a recorded dump does not have the options that only a descriptor
		--findings --from x|findings rest on second looks, which a recorded dump cannot give
		--findings=all --from x|findings rest on second looks
		--wait 1s --from x|--wait waits for the kernel; a recorded dump does not change
		--until-gone|--until-gone wants --wait DUR: how long at most
		--reuseaddr|--reuseaddr, --reuseport, --v6only, --as-user and --try belong to --bindable
		--reuseport|--reuseaddr, --reuseport, --v6only, --as-user and --try belong to --bindable
		--v6only|--reuseaddr, --reuseport, --v6only, --as-user and --try belong to --bindable
		--as-user 0|--reuseaddr, --reuseport, --v6only, --as-user and --try belong to --bindable
		--try|--reuseaddr, --reuseport, --v6only, --as-user and --try belong to --bindable
		--bindable :80 --from x|--bindable asks the kernel once: no --from, --record or --wait
		--bindable :80 --record x|--bindable asks the kernel once
		--bindable :80 --wait 1s|--bindable asks the kernel once
		--bindable :80 --fail-if listen|--bindable judges an address, --fail-... rows: only one of them
		--bindable :80 --fail-drops|--bindable judges an address
		--bindable :80 --fail-fill 80|--bindable judges an address
		--listen --state listen|--listen and --state exclude each other
		--record -|--record - writes to stdout, and so do the rows
	END
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
