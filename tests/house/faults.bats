#!/usr/bin/env bats
# Every system call of every command fails in turn (tests/lib/faults): nothing crashes, nothing
# hangs, no answer is another one in silence, no code stands without a word, every descriptor
# of an endpoint is closed. Here a sample, the same each time; `tests/lib/faults --all` has all.

load ../lib/helpers
load ../lib/endpoint

setup() {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null ||
		skip "strace cannot trace here"
}

setup_file() {
	# Each call fails once, in one way. A sanitizer is slow: of those a part, another one in
	# each command.
	export FAULTS_THIN=1
	! grep -q __asan_init "$SOCKCTL" || FAULTS_THIN=3
}

# Fewer would mean that the calls were not found.
bank() { # LEAST-SCENARIOS LEAST-CALLS PATTERN...
	local scenarios=$1 calls=$2 line found=0
	run env SOCKCTL="$SOCKCTL" MKSOCK="$MKSOCK" "$TOP/tests/lib/faults" --sample 0 \
		--thin "$FAULTS_THIN" "${@:3}"
	((status != 77)) || skip "$output"
	assert_status 0
	for line in "${lines[@]}"; do
		assert_regex "$line" ': ([0-9]+) faults in ([0-9]+) of ([0-9]+) calls, 0 bad$'
		assert_int 'BASH_REMATCH[3] >= calls && BASH_REMATCH[1] * FAULTS_THIN >= calls - FAULTS_THIN'
		found=$((found + 1))
	done
	assert_int 'found >= scenarios'
}

@test "every scenario of the bank has its test here" {
	local patterns name
	shopt -s extglob
	patterns=$(sed -n '/^@test/,$ { /^\tbank /,/[^\\]$/p }' "$BATS_TEST_FILENAME" |
		sed "s/bank [0-9]* [0-9]*//" | tr -d "'\\\\" | xargs | tr ' ' '|')
	run -0 "$TOP/tests/lib/faults" --list
	assert_int "${#lines[@]} > 100"
	for name in "${lines[@]}"; do
		# shellcheck disable=SC2053 # patterns
		[[ $name == @($patterns) ]] || {
			echo "no test has $name" >&2
			return 1
		}
	done
}

@test "help, porcelain" {
	bank 8 2 'help*' 'porcelain*'
}

@test "inspect: rows" {
	bank 7 8 inspect inspect-all inspect-json inspect-unix inspect-summary inspect-count \
		inspect-columns
}

@test "inspect: which rows" {
	bank 5 10 inspect-user inspect-port inspect-sort inspect-name inspect-process
}

@test "inspect: what a process has" {
	bank 7 12 'inspect*owners*' inspect-listen inspect-pid inspect-process-none \
		inspect-count-process
}

@test "inspect: thresholds and groups" {
	bank 3 8 inspect-fail-if inspect-fail-fill inspect-group
}

@test "inspect --wait, --until-gone" {
	bank 6 8 'inspect-wait*' 'inspect-until*'
}

@test "inspect --bindable" {
	bank 6 12 'inspect-bindable*'
}

@test "inspect --findings, --explain" {
	bank 4 2 'inspect-findings*' inspect-explain inspect-columns-help
}

@test "inspect: another namespace" {
	bank 3 10 'inspect-netns*'
}

@test "inspect --record, --from, --output" {
	bank 4 2 inspect-record 'inspect-from*' inspect-output
}

@test "probe" {
	bank 9 12 probe probe-refused probe-json probe-many probe-name probe-unix probe-full \
		probe-source probe-targets
}

@test "probe: what the server says" {
	bank 9 12 probe-expect 'probe-http*' probe-banner probe-silent probe-stable probe-verify \
		'probe-negotiated*'
}

@test "probe: scans" {
	bank 5 12 'probe-scan*' probe-syn
}

@test "probe: datagrams" {
	bank 2 12 'probe-udp*'
}

@test "probe --measure-backlog, --hops" {
	bank 2 10 probe-backlog probe-hops
}

@test "probe --wait, a namespace, a command" {
	bank 4 12 'probe-wait*' probe-netns probe-command
}

@test "connect" {
	bank 8 12 'connect*'
}

@test "listen" {
	bank 5 12 listen-pipes listen-files listen-unix listen-keep listen-udp
}

@test "listen: a child, an answer for each peer" {
	bank 8 12 listen-exec listen-sh listen-http listen-http-file listen-reply \
		listen-to listen-datagrams listen-max lab
}

@test "listen, echo: in the background" {
	bank 2 12 '*-background'
}

@test "echo" {
	bank 5 12 echo-server echo-threads echo-udp echo-unix echo-limits
}

@test "echo --client" {
	bank 3 12 'echo-client*'
}

@test "told to end while it fails: it still says why" {
	spawn bash -c 'exec strace -D -qq -o /dev/null -e trace=epoll_wait \
		-e inject=epoll_wait:error=ENOMEM:delay_exit=1000000:when=1 \
		"$1" listen --port-file "$2" 127.0.0.1:0 </dev/null 2>"$3"' - \
		"$SOCKCTL" "$BATS_TEST_TMPDIR/port" "$BATS_TEST_TMPDIR/err"
	until_true test -s "$BATS_TEST_TMPDIR/port"
	kill -TERM "$PID"
	await_end "$PID" 143
	run cat "$BATS_TEST_TMPDIR/err"
	assert_output --partial "wait for events: Cannot allocate memory"
}

@test "a server that a signal ends has been looked at for leaks" {
	grep -q __asan_init "$SOCKCTL" || skip "needs the preset asan"
	local command
	for command in 'listen --keep' echo 'echo --threads 3' 'listen -u' 'listen --lab LISTEN'; do
		# shellcheck disable=SC2086 # a command and its options
		LSAN_OPTIONS=$LSAN_OPTIONS:log_threads=1 serve $command 127.0.0.1:0
		end_served
		assert_equal "$status" 143
		# What LeakSanitizer says of each thread whose stack it reads.
		assert_contains "$stderr" "Processing thread"
	done
}

@test "a user that cannot be looked up is not one that does not exist" {
	local option paths want user
	# root and nobody systemd knows without the file.
	user=$(awk -F: '$3 > 0 && $3 < 65000 { print $1; exit }' /etc/passwd)
	[[ $user ]] || skip "root is the only user"
	# Where only the file fails a later source of nsswitch.conf may say that there is none.
	for paths in '-P /etc/nsswitch.conf -P /etc/passwd' '-P /etc/passwd'; do
		for option in "--user $user --count" "--bindable :0 --as-user $user"; do
			# shellcheck disable=SC2086 # options are words
			run --separate-stderr "${STRACE[@]}" -qq -o "$BATS_TEST_TMPDIR/log" $paths \
				-e inject=openat:error=EMFILE "$SOCKCTL" inspect $option
			grep -q INJECTED "$BATS_TEST_TMPDIR/log" || skip "users are not in files here"
			assert_equal "$status" 3
			assert_contains "$stderr" "look up the user '$user': Too many open files"
			# What fails once is asked again.
			run "$SOCKCTL" inspect $option
			want=$status:$output
			# shellcheck disable=SC2086
			run "${STRACE[@]}" -qq -o /dev/null -P /etc/passwd \
				-e inject=openat:error=EIO:when=1 "$SOCKCTL" inspect $option
			[[ $output == *'Input/output error'* ]] || assert_equal "$status:$output" "$want"
		done
	done
	run -2 --separate-stderr "$SOCKCTL" inspect --user no-such-user --count
	assert_contains "$stderr" "there is no user 'no-such-user'"
}

@test "a refusal that cannot be explained says why not" {
	local error
	serve echo 127.0.0.1:0
	end_served
	for error in ENOBUFS EIO EPERM; do
		run --separate-stderr "${STRACE[@]}" -qq -o "$BATS_TEST_TMPDIR/log" \
			-e inject=sendto:error=$error "$SOCKCTL" probe "127.0.0.1:$PORT"
		assert_equal "$status" 1
		grep -q INJECTED "$BATS_TEST_TMPDIR/log"
		assert_output --partial "is not known: the kernel's tables could not be read ("
	done
}

@test "--negotiated without TCP_INFO says so" {
	serve echo 127.0.0.1:0
	local error
	for error in EPERM EACCES; do
		run --separate-stderr "${STRACE[@]}" -qq -o "$BATS_TEST_TMPDIR/log" \
			-e inject=getsockopt:error=$error:when=2+ \
			"$SOCKCTL" probe --negotiated "127.0.0.1:$PORT"
		grep -q "TCP_INFO.*INJECTED" "$BATS_TEST_TMPDIR/log"
		assert_output --partial "what was negotiated could not be read ($error)"
	done
	end_served
}
