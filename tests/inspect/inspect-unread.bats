#!/usr/bin/env bats
# What cannot be read is not absent: calls that fail in /proc, in netlink and in setns().

# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # run sets what is read here; words for an inner shell
load ../lib/helpers
load ../lib/inspect

QUIET=(--no-findings --threads 1)

setup() {
	command -v strace >/dev/null || skip "strace is not installed"
	"${STRACE[@]}" -o /dev/null true 2>/dev/null || skip "strace does not work here"
}

# A network namespace whose processes are the test's alone, so that the n-th call is the
# same in each run. Without the right to load BPF programs: links are read.
alone() {
	skip_unless_mounts "a process namespace has a /proc of its own"
	spawn unshare --net --pid --fork --kill-child --mount-proc "$TOP/tests/lib/netns-up" sh -c 'echo ready && exec cat'
	await_line '^ready$'
	local inner
	read -r inner _ <"/proc/$PID/task/$PID/children" || [[ -n $inner ]]
	NS=(nsenter --net --pid --mount --target "$inner"
		setpriv "--bounding-set=-bpf,-perfmon,-sys_admin")
}

# Runs inspect while a call fails: CALL:ERROR, or CALL:ERROR:WHEN.
failing() { # FAULT ARG...
	local call=${1%%:*} rest=${1#*:}
	run --separate-stderr in_ns "${STRACE[@]}" -f -qq -o "$BATS_TEST_TMPDIR/strace" -e "trace=$call" \
		-e "inject=$call:error=${rest/:/:when=}" "$SOCKCTL" inspect "${@:2}"
	no_crash
}

# The number of the first call of its kind that matches, as strace counts them.
first_call() { # CALL REGEX ARG...
	in_ns "${STRACE[@]}" -y -qq -o "$BATS_TEST_TMPDIR/strace" -e "trace=$1" "$SOCKCTL" inspect "${@:3}" >/dev/null 2>&1 || true
	grep "^$1(" "$BATS_TEST_TMPDIR/strace" | grep -nm1 -E "$2" | cut -d: -f1
}

notes() {
	jq -r 'select(.type == "note").id' <<<"$output" | xargs
}

completeness() {
	jq -r 'select(.type == "end").complete' <<<"$output"
}

@test "descriptors that cannot be read are told, and no question about owners is answered without them" {
	alone
	mk listen:port=80
	local open fault asked words
	open=$(first_call openat '"[0-9]+/fd"' "${QUIET[@]}" -p)
	for fault in getdents64:EIO readlinkat:ENOMEM "openat:ENFILE:$open+"; do
		failing "$fault" "${QUIET[@]}" -p --json
		assert_equal "$fault $status $(completeness)" "$fault 3 false"
		# Directories of control groups may be among what cannot be listed.
		assert_regex "$(notes)" '^owners-incomplete( answers-missing)?$'
		assert_equal "$(value_of listen.listener processes)" null
		assert_equal "$(value_of listen.listener processes_unknown)" '"not-read"'
		failing "$fault" "${QUIET[@]}" -p
		assert_line --regexp '^LISTEN .* \(could:not:be:read'
		refute_output --partial 'not visible'
	done
	for asked in '--process mksock' '--count --process mksock' '--wait 5s --until-gone --process mksock' \
		'--process mksock -q' '--wait 100ms --process mksock' '--group process' '--summary --process mksock'; do
		for fault in readlinkat:EIO "openat:EMFILE:$open+"; do
			read -r -a words <<<"$asked"
			failing "$fault" "${QUIET[@]}" "${words[@]}"
			assert_equal "$asked: $status" "$asked: 3"
			assert_regex "$stderr" 'Input/output error|Too many open files'
		done
	done
	failing readlinkat:EIO "${QUIET[@]}" --fail-if 'process = mksock'
	assert_equal "$status" 3
}

# Exit code 126: too few for the dynamic linker.
with_descriptors() { # LIMIT ARG...
	run --separate-stderr in_ns bash -c 'ulimit -n "$0"; "$@"; code=$?; exit $((code == 127 ? 126 : code))' \
		"$1" "$SOCKCTL" "${@:2}"
	no_crash
}

@test "few descriptors: neither the kernel nor what is not visible is blamed" {
	netns
	mk listen:port=80
	local limit incomplete=0
	for limit in {4..14}; do
		with_descriptors "$limit" inspect "${QUIET[@]}" -lp
		((status != 126)) || continue
		if ((status != 0)); then
			assert_equal "$status" 3
			assert_regex "$stderr" 'Too many open files'
			((++incomplete))
		fi
		refute_output --partial 'not visible'
		with_descriptors "$limit" inspect --bindable 127.0.0.1:80
		refute_regex "$output" 'kernel-socket|vxlan|not visible|as root'
		assert_regex "$output" 'Too many open files|mksock'
	done
	assert [ $incomplete -gt 0 ]
}

@test "a process that has just gone is no gap" {
	alone
	mk listen:port=80
	local fault
	for fault in readlinkat:ENOENT readlinkat:ESRCH getdents64:ENOENT:3+; do
		failing "$fault" "${QUIET[@]}" -p --json
		# Nobody is left to hold it but who is outside of the namespace of processes.
		refute_regex "$(notes)" 'owners-incomplete|owners-unreadable'
		assert_equal "$fault $status $(completeness)" "$fault 0 true"
	done
}

@test "processes that may not be read: plain -p is 0, what hangs on them is not answered" {
	skip_unless_root "drops to another user"
	netns
	mk listen:port=80
	sockctl_as_user inspect "${QUIET[@]}" -p --json
	assert_equal "$status $(notes) $(completeness)" "0 owners-unreadable true"
	local asked words
	for asked in '--pid PID' '--count --pid PID' '--summary --pid PID' '-q --pid PID' '--count peer_pid = PID'; do
		[[ $asked != *peer* ]] || mk_more established
		read -r -a words <<<"${asked//PID/$MK_PID}"
		sockctl_as_user inspect "${QUIET[@]}" "${words[@]}"
		assert_equal "$asked: $status" "$asked: 3"
		assert_regex "$stderr" "mksock\[$MK_PID\] may not be read"
	done
	# A row that surely matches decides.
	sockctl_as_user inspect -q "pid = $MK_PID or sport = :80"
	assert_equal "$status" 0
	# A number does not, if another row may belong to it.
	sockctl_as_user inspect --count "pid = $MK_PID or sport = :80"
	assert_equal "$status" 3
}

@test "a name that cannot be read is unknown to a filter" {
	alone
	mk listen:port=80
	local comm fault asked words
	comm=$(first_call openat '"[0-9]+/comm"' "${QUIET[@]}" -lp)
	for fault in openat:EACCES openat:EMFILE; do
		failing "$fault:$comm" "${QUIET[@]}" -lp --json
		assert_equal "$(value_of listen.listener processes | jq -c 'map([.pid, .command])')" \
			"[[${F[listen.listener.pid]},null]]"
		if [[ $fault == *EACCES ]]; then
			assert_equal "$status $(notes) $(completeness)" "0 owners-unreadable true"
		else
			assert_equal "$status $(notes) $(completeness)" "3 owners-incomplete false"
		fi
		for asked in '--process mksock' '--process nginx' '--count --process nginx' \
			'--wait 5s --until-gone --process mksock'; do
			read -r -a words <<<"$asked"
			failing "$fault:$comm" "${QUIET[@]}" -l "${words[@]}"
			assert_equal "$fault $asked: $status" "$fault $asked: 3"
		done
		# Its number is known, and of a name any will do.
		[[ $fault == *EMFILE ]] && continue
		failing "$fault:$comm" "${QUIET[@]}" -lq --pid "${F[listen.listener.pid]}"
		assert_equal "$status" 0
	done
}

@test "a single question that fails leaves a gap that is told" {
	alone
	mk listen:port=80,queued=2 established
	local asked fault words
	for asked in '-o +wait' '-o +listener' '-o +peer_process' '-o +reuseaddr'; do
		fault=sendto:ENOBUFS:3+
		read -r -a words <<<"$asked"
		[[ $asked != *reuseaddr ]] || fault=pidfd_getfd:EMFILE
		failing "$fault" "${QUIET[@]}" --json "${words[@]}"
		assert_equal "$asked $status $(completeness)" "$asked 3 false"
		assert_regex "$(notes)" 'answers-missing|incomplete-dump'
	done
	failing pidfd_getfd:EMFILE "${QUIET[@]}" --count 'reuseaddr'
	assert_equal "$status" 3
	failing pidfd_getfd:EPERM "${QUIET[@]}" --count 'reuseaddr'
	assert_equal "$status" 3
	assert_regex "$stderr" 'mksock\[[0-9]+\] may not be read'
}

@test "the right to trace in a user namespace of one's own is worth nothing towards others' processes" {
	skip_unless_root "its processes are refused to a user namespace below"
	netns
	mk listen:port=80
	unshare --user --map-root-user true 2>/dev/null || skip "no user namespace can be made here"
	local own=(unshare --user --map-root-user)
	run --separate-stderr in_ns "${own[@]}" "$SOCKCTL" inspect --json --process mksock
	no_crash
	assert_equal "$status $(notes) $(completeness)" "3 owners-unreadable owner-hidden false"
	run --separate-stderr in_ns "${own[@]}" "$SOCKCTL" inspect "${QUIET[@]}" -p
	assert_equal "$status" 0
	assert_line --regexp '^LISTEN .* \(no:permission'
	run --separate-stderr in_ns "${own[@]}" "$SOCKCTL" inspect --bindable 127.0.0.1:80
	refute_output --partial kernel-socket
}

@test "an ordinary user that waits for a process that may not be read is told so" {
	skip_unless_root "drops to another user"
	netns
	mk listen:port=80
	sockctl_as_user inspect --wait 50ms --process mksock
	assert_equal "$status" 3
	assert_regex "$stderr" 'nothing matched for certain within 50 ms'
	assert_regex "$stderr" 'mksock\[[0-9]+\] may not be read: whether a socket of it matches is unknown'
	sockctl_as_user inspect --wait 10m --until-gone --process mksock
	assert_equal "$status" 3
	assert_regex "$stderr" 'mksock\[[0-9]+\] may not be read'
	sockctl_as_user inspect --json --wait 50ms --process mksock
	assert_equal "$status $(notes) $(completeness)" "3 owner-hidden false"
	sockctl_as_user inspect --wait 50ms --process 'no-such*name'
	assert_equal "$status" 4
}

# Findings, their severity, and what clients did, as they were read.
judged() {
	jq -rc 'select(.type == "finding") | [.id, .severity, .figures.gave_up, .figures.waiting]' <<<"$output" | sort
}

@test "no finding vanishes or is made up in silence where evidence cannot be read" {
	alone
	mk listen:port=80,backlog=2,queued=2,rst=1 udp:port=53,drops=3 files:limit=64,spare=0
	local what=(--json --findings=all --threads 1) want call error step n at first tried=0 told=0
	run --separate-stderr in_ns "$SOCKCTL" inspect "${what[@]}"
	want=$(judged)
	assert_regex "$want" '"accept-queue-full","critical",1,2'
	assert_regex "$want" '"descriptor-exhaustion","critical"'
	for call in sendto:ENOBUFS:4 recvmsg:ENOMEM:7 openat:EMFILE:11 read:EIO:17; do
		IFS=: read -r call error step <<<"$call"
		in_ns "${STRACE[@]}" -qq -y -o "$BATS_TEST_TMPDIR/calls" -e "trace=$call" "$SOCKCTL" inspect "${what[@]}" >/dev/null
		n=$(grep -c "^$call(" "$BATS_TEST_TMPDIR/calls")
		# After the dynamic linker, and what begins the table.
		first=$(grep "^$call(" "$BATS_TEST_TMPDIR/calls" | grep -nE '/proc|NETLINK|socket:|netlink' | head -1 | cut -d: -f1)
		for ((at = first; at <= n; at += step)); do
			failing "$call:$error:$at" "${what[@]}"
			((++tried))
			if ((status == 0)); then
				assert_equal "$call $at: $(judged)" "$call $at: $want"
				assert_equal "$(completeness)" true
			else
				# What is said for certain is not made of what was not read.
				assert_equal "$call $at: $status $(completeness)" "$call $at: 3 false"
				assert [ -n "$(notes)" ]
				assert_equal "$call $at: $(judged | grep -o '"accept-queue-full","critical",[2-9]' || true)" "$call $at: "
				((++told))
			fi
		done
	done
	assert [ $tried -gt 10 ]
	assert [ $told -gt 5 ]
}

@test "a record that lacks an answer says so when it is read" {
	alone
	mk listen:port=80,queued=2
	local n at lacking=0 record=$BATS_TEST_TMPDIR/record
	in_ns "${STRACE[@]}" -qq -o "$BATS_TEST_TMPDIR/calls" -e trace=sendto "$SOCKCTL" inspect -q --no-findings --record "$record" || true
	n=$(grep -c '^sendto(' "$BATS_TEST_TMPDIR/calls")
	assert [ "$n" -ge 3 ]
	for ((at = 1; at <= n; at++)); do
		rm -f "$record"
		failing "sendto:ENOBUFS:$at" --json --no-findings --record "$record"
		[[ -e $record ]] || continue
		if ((status == 0)); then
			assert_equal "$(completeness)" true
			continue
		fi
		assert_equal "$at: $status $(completeness)" "$at: 3 false"
		inspect --from "$record" --json
		assert_equal "$at: $status $(notes) $(completeness)" "$at: 3 incomplete-dump false"
		((++lacking))
	done
	assert [ $lacking -gt 0 ]
}

# Each setns() of a run in turn.
each_setns() { # DIRECTORY CMD...
	local n i
	"${STRACE[@]}" -f -qq -o "$1/all" -e trace=setns "${@:2}" >/dev/null 2>&1 || true
	n=$(grep -c 'setns(' "$1/all")
	for ((i = 1; i <= n; i++)); do
		# Calls are counted for each thread: the i-th of all is one of some thread's.
		"${STRACE[@]}" -f -qq -o /dev/null -e trace=setns -e "inject=setns:error=EPERM:when=$i" \
			"${@:2}" >"$1/out.$i" 2>"$1/err.$i" && echo 0 >"$1/code.$i" || echo $? >"$1/code.$i"
	done
	echo "$n"
}

@test "no setns() that fails shows one namespace as another" {
	skip_unless_root "enters namespaces from outside"
	netns
	mk listen:port=18077
	local there=$NS_PID n i dir=$BATS_TEST_TMPDIR/netns
	NS=()
	mkdir "$dir"
	# Names are looked up at home, rows are read there.
	n=$(each_setns "$dir" "$SOCKCTL" inspect --no-findings -H --netns "$there" -o local 'src localhost')
	assert [ "$n" -ge 2 ]
	for ((i = 1; i <= n; i++)); do
		if [[ $(<"$dir/code.$i") == 0 ]]; then
			assert_equal "$(<"$dir/out.$i")" 127.0.0.1:18077
		else
			assert_equal "$(<"$dir/code.$i") $(<"$dir/out.$i")" "3 "
			assert_regex "$(<"$dir/err.$i")" 'Operation not permitted'
		fi
	done
	grep -q '^3$' "$dir"/code.*
}

@test "that nothing listens on any address of this host is not said of namespaces that could not be looked into" {
	skip_unless_root "other namespaces must be entered"
	netns
	mk listen:port=18078
	local dir=$BATS_TEST_TMPDIR/refused n i
	mkdir "$dir"
	netns
	n=$(each_setns "$dir" "${NS[@]}" "$SOCKCTL" connect 127.0.0.1:18078)
	for ((i = 1; i <= n; i++)); do
		# nsenter's own, or an answer: the listener elsewhere, or not a word of the whole host.
		assert_regex "$(<"$dir/err.$i")" 'nsenter|other-namespace|any address of this network namespace'
		refute_regex "$(<"$dir/err.$i")" 'any address of this host'
	done
	# No thread to look from.
	run --separate-stderr in_ns "${STRACE[@]}" -f -qq -o /dev/null -e "trace=?clone,?clone3" -e "inject=?clone,?clone3:error=EAGAIN" \
		"$SOCKCTL" connect 127.0.0.1:18078
	no_crash
	assert_equal "$status" 1
	assert_regex "$stderr" 'any address of this network namespace'
	# An ordinary user may look into none of them.
	run --separate-stderr as_user "$SOCKCTL" connect 127.0.0.1:18078
	assert_equal "$status" 1
	assert_regex "$stderr" 'any address of this network namespace'
	assert_regex "$stderr" 'try sudo'
}

@test "--netns of a FIFO does not wait for a writer" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	run --separate-stderr timeout 20 "$SOCKCTL" inspect --netns "$BATS_TEST_TMPDIR/fifo"
	assert_refused 3 'that is no network namespace'
	run --separate-stderr timeout 20 "$SOCKCTL" probe --netns "$BATS_TEST_TMPDIR/fifo" 127.0.0.1:1
	assert_refused 3 'that is no network namespace'
}
