#!/usr/bin/env bats
# Where not everything may be seen: as an ordinary user, under hidepid, in a pid namespace with
# the network of another, in a chroot without /proc, without sock_diag. Each verdict is right,
# or it is "cannot tell".

# shellcheck disable=SC2154,SC2016 # run sets what is read here; words for an inner shell
load ../lib/helpers
load ../lib/inspect
load ../lib/confined

setup() {
	confined_setup
}

@test "the reason why nobody is named stands in the table, in JSON and in a note" {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	netns
	mk listen:port=80
	local place
	for place in "${!REASON[@]}"; do
		in_place "$place" inspect --no-findings --json -lp
		assert_equal "$place $(value_of listen.listener processes) $(value_of listen.listener processes_unknown)" \
			"$place null \"${REASON[$place]}\""
		assert_contains "$stderr" "${WORDS[$place]}"
		in_place "$place" inspect --no-findings -lp
		refute_output --partial 'kernel'
		assert_line --regexp '^LISTEN .*\((not:visible::|no:permission)'
	done
	in_place open inspect --no-findings --json -lp
	assert_equal "$(value_of listen.listener processes | jq '.[0].pid')" "$MK_PID"
	assert_equal "$stderr" ""
}

@test "what hangs on an owner is answered where all is seen, and cannot be told elsewhere" {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	netns
	mk listen:port=80 established:listener,port=81
	local place code seen unseen args
	for place in open "${!REASON[@]}"; do
		while IFS='|' read -r seen unseen args; do
			code=$unseen
			[[ $place == open ]] && code=$seen
			eval "in_place $place inspect --no-findings $args"
			assert_equal "$place: $args: $status" "$place: $args: $code"
			[[ $place == user || $code != 3 ]] || assert_contains "$stderr" "${WORDS[$place]}"
		done <<-END
			0|3|--pid $MK_PID
			0|3|--process mksock
			0|3|--process 'mks*' -q
			0|3|--count --process mksock
			1|3|--fail-if 'process = mksock'
			1|3|--fail-if 'count(process = mksock) > 2'
			1|1|--fail-if 'sport = 80'
			0|0|--port 80
			0|0|--count --port 80
			1|1|--process mksock --state syn-sent
			0|0|--fail-if 'process = mksock and sport = 1'
			1|1|--port 79
		END
	done
}

@test "root is not sent to sudo: the capability that is missing is named" {
	netns
	mk listen:port=80
	run --separate-stderr in_ns setpriv --bounding-set=-sys_ptrace,-bpf,-perfmon,-sys_admin \
		--inh-caps=-sys_ptrace "$SOCKCTL" inspect --no-findings -lp
	in_ns setpriv --reuid=65534 --clear-groups sleep 60 &
	PIDS+=($!)
	run --separate-stderr in_ns setpriv --bounding-set=-sys_ptrace,-dac_read_search,-dac_override,-bpf,-perfmon,-sys_admin \
		"$SOCKCTL" inspect --no-findings -lp
	assert_success
	assert_contains "$stderr" 'CAP_SYS_PTRACE'
	refute_regex "$stderr" 'sudo'
	run --separate-stderr in_ns unshare --pid --fork --mount-proc setpriv \
		--bounding-set=-sys_ptrace,-dac_read_search,-dac_override,-bpf,-perfmon,-sys_admin \
		sh -c 'setpriv --reuid=65534 --clear-groups sleep 60 & exec "$0" inspect --no-findings -lp' "$SOCKCTL"
	refute_regex "$stderr" 'sudo'
	# Who may not get it back is not sent there either.
	run --separate-stderr in_ns setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$BIN" inspect --no-findings -lp
	assert_contains "$stderr" 'no_new_privs is set'
	refute_regex "$stderr" 'try sudo'
}

@test "where the netlink socket is refused, rows and owners are right and --bindable cannot tell" {
	netns
	mk listen:port=80
	command -v strace >/dev/null || skip "strace is not installed"
	local code args
	while IFS='|' read -r code args; do
		eval "run --separate-stderr in_ns \"\${STRACE[@]}\" -f -qq -o /dev/null -e trace=socket \
			-e 'inject=socket:error=EPERM' \"\$SOCKCTL\" inspect $args"
		no_crash
		assert_equal "$args: $status" "$args: $code"
	done <<-END
		0|--no-findings --pid $MK_PID
		1|--no-findings --process no-such-name
		1|--no-findings --fail-if 'process = mksock'
		0|--no-findings --count --port 80
		3|--bindable 127.0.0.1:80
		3|--bindable 127.0.0.1:81
	END
	refute_output --partial 'kernel-socket'
}

@test "a full accept queue is found, whatever cannot be seen of its owner" {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	netns
	mk listen:port=80,backlog=3,queued=4
	local place
	for place in open "${!REASON[@]}"; do
		in_place "$place" inspect --json --findings -l
		assert_regex "$place $output" '"accept-queue-full"'
		refute_regex "$output" 'kernel-socket|\(kernel\)'
	done
	command -v strace >/dev/null || skip "strace is not installed"
	run --separate-stderr in_ns "${STRACE[@]}" -f -qq -o /dev/null -e trace=socket \
		-e 'inject=socket:error=EPERM' "$SOCKCTL" inspect --json --findings -l
	no_crash
	# The text tables have no limit of a queue, so no finding can be made: a note says so.
	refute_regex "$output" '"accept-queue-full"'
	assert_regex "$output" '"type":"note","id":"no-sock-diag".*no backlog limits'
}
