# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the tests read what is set here; run sets what is read
# What every .bats file loads: the network namespace of a test, known sockets in it, and
# programs in the background that are reaped when the test ends.

bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load.bash
load /usr/lib/bats/bats-assert/load.bash

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
load "$TOP/tests/lib/assert"
: "${SOCKCTL:=$TOP/build/release/sockctl}"
: "${MKSOCK:=$TOP/build/release/tests/mksock}"

# A finding of a sanitizer must never look like one of the program's own exit codes.
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-} UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=exitcode=99
# Leaks cannot be looked for under a tracer.
STRACE=(env "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0" strace)
export LC_ALL=C.UTF-8
# sysctl, tc, nft and nginx lie where an ordinary user of Debian does not look.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
unset NO_COLOR CLICOLOR CLICOLOR_FORCE

READY_WITHIN=60 # seconds; a limit for what should be instant
END_WITHIN=300  # the same for programs that have much to do first

NS=()         # what enters the namespace of the test
PIDS=()       # programs in the background, newest last
INPUTS=()     # descriptors that keep them alive
STOPPED=()    # what stop() has stopped: it does not end by SIGTERM
declare -gA F # the facts: F[label.role.key]

teardown() {
	reap
	documents_are_valid
}

# One that is stopped ends only when it goes on. To none that runs: SIGCONT discards a pending
# SIGSTOP, for which the leak check of a sanitizer waits, then for ever.
is_stopped() { # PID
	grep -qs $'^State:\tT' "/proc/$1/status"
}

stop() { # PID...
	STOPPED+=("$@")
	kill -STOP "$@"
}

reap() {
	local i fd
	for i in "${STOPPED[@]}"; do
		kill -CONT "$i" 2>/dev/null || true
	done
	STOPPED=()
	for fd in "${INPUTS[@]}"; do
		exec {fd}>&- || true
	done
	INPUTS=()
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		kill "${PIDS[i]}" 2>/dev/null || true
		if is_stopped "${PIDS[i]}"; then
			kill -CONT "${PIDS[i]}" 2>/dev/null || true
		fi
		wait "${PIDS[i]}" 2>/dev/null || true
	done
	PIDS=()
}

is_root() {
	((EUID == 0))
}

skip_unless_root() { # WHY
	is_root || skip "needs root: $1"
}

# For what is mounted where only the test sees it. Where / is no mount point (a bare chroot),
# the kernel refuses to keep such mounts from others.
skip_unless_mounts() { # WHY
	skip_unless_root "$1"
	unshare --mount true 2>/dev/null ||
		skip "no mount namespace can be made here, / is no mount point perhaps: $1"
}

# Elsewhere processes may be hidden, so that nothing is said of a socket without a descriptor.
skip_unless_first_pid_namespace() {
	[[ $(stat -Lc %i /proc/self/ns/pid) == 4026531836 ]] || skip "not in the first pid namespace"
}

skip_unless_io_uring() {
	"$MKSOCK" registered:empty </dev/null >/dev/null 2>&1 || skip "this kernel, or this user, has no io_uring"
}

# A script starts what it puts in the background with SIGINT and SIGQUIT ignored, and what is
# ignored from the start stays so: these run as they would in the foreground.
IN_FRONT=(env "--default-signal=INT,QUIT")

# Runs a program in the background with a pipe for its stdin and stdout, both kept in
# descriptors: sets PID, IN, OUT. Nothing is read yet.
spawn() { # CMD...
	local dir front=("${IN_FRONT[@]}")
	[[ $(type -t "$1") != function ]] || front=()
	dir=$(mktemp -d "${BATS_TEST_TMPDIR-$BATS_FILE_TMPDIR}/spawn.XXXXXX")
	mkfifo "$dir/in" "$dir/out"
	"${front[@]}" "$@" <"$dir/in" >"$dir/out" 2>"$dir/err" 3>&- &
	PID=$!
	PIDS+=("$PID")
	exec {IN}>"$dir/in"
	exec {OUT}<"$dir/out"
	INPUTS+=("$IN")
	ERR=$dir/err
	rm "$dir/in" "$dir/out"
}

# Reads the lines of OUT up to the one that matches; the others stay in LINES.
await_line() { # REGEX
	local line
	LINES_SEEN=()
	while IFS= read -r -t "$READY_WITHIN" -u "$OUT" line; do
		[[ $line =~ $1 ]] && return 0
		LINES_SEEN+=("$line")
	done
	echo "no line matched '$1'; stderr:" >&2
	cat "$ERR" >&2
	return 1
}

# A network namespace of the test's own with lo up. Ordinary users make it inside a user
# namespace; where that is not allowed either, the test is skipped.
netns() {
	local maker=(unshare --net)
	is_root || maker=(unshare --user --map-root-user --net)
	spawn "${maker[@]}" "$TOP/tests/lib/netns-up" sh -c 'echo ready && exec cat'
	await_line '^ready$' || {
		"${maker[@]}" true 2>/dev/null || skip "cannot make a network namespace here"
		return 1
	}
	NS_PID=$PID
	NS=(nsenter --net="/proc/$NS_PID/ns/net")
	is_root || NS=(nsenter --preserve-credentials --user --target "$NS_PID" --net)
}

in_ns() {
	"${NS[@]}" "$@"
}

# Makes sockets (see mksock --help) and reads their facts into F.
mk() { # SCENARIO...
	spawn "${NS[@]}" "$MKSOCK" "$@"
	MK_PID=$PID MK_IN=$IN MK_OUT=$OUT
	await_line '^ready$'
	read_facts
}

# One more scenario for the last mk.
mk_more() { # SCENARIO
	echo "$1" >&"$MK_IN"
	OUT=$MK_OUT
	await_line '^ready$'
	read_facts
}

read_facts() {
	local line words word name
	for line in "${LINES_SEEN[@]}"; do
		read -r -a words <<<"$line"
		name=${words[0]}
		for word in "${words[@]:1}"; do
			F[$name.${word%%=*}]=${word#*=}
		done
	done
}

# The port of a fact like 127.0.0.1:80.
port_of() { # LABEL.ROLE [local|peer]
	local address=${F[$1.${2:-local}]}
	echo "${address##*:}"
}

# Runs as nobody, in the namespace: from a copy, for the build may lie where nobody may go.
as_user() { # CMD...
	local copy
	is_root || {
		in_ns "$@"
		return
	}
	copy=$(mktemp -d /tmp/sockctl-tests.XXXXXX)
	chmod 755 "$copy"
	cp "$1" "$copy/"
	in_ns setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$copy/${1##*/}" "${@:2}"
	local status=$?
	rm -rf "$copy"
	return $status
}

# Runs sockctl in the namespace: sets status, output, lines, stderr, stderr_lines.
sockctl() {
	run --separate-stderr in_ns "$SOCKCTL" "$@"
	no_crash
}

inspect() {
	sockctl inspect "$@"
}

# On a terminal of so many columns: stdout and stderr together in output, without the
# terminal's carriage returns at the ends of lines.
on_terminal() { # COLUMNS ARG...
	local columns=$1
	shift
	run in_ns env TERM=xterm script -qec "stty cols $columns; $(printf '%q ' "$SOCKCTL" "$@")" /dev/null
	output=${output//$'\r\n'/$'\n'}
	output=${output%$'\r'}
}

sockctl_as_user() {
	run --separate-stderr as_user "$SOCKCTL" "$@"
	no_crash
}

# No end by a signal, no sanitizer: whatever the test goes on to check.
no_crash() {
	if ((status == 99 || status > 128)) || [[ $stderr == *Sanitizer* || $stderr == *"runtime error"* ]]; then
		echo "sockctl ended badly ($status):" >&2
		echo "$stderr" >&2
		return 1
	fi
}

# What stderr says and need not: an ordinary user is told, and rightly, that the processes of
# others may not be read, nor what BPF programs keep.
complaints() {
	local told='[0-9]+ process(es)? may not be read: owners among them are unknown \(try sudo\)'
	told+='|what BPF programs keep for sockets is told to root only \(CAP_BPF\)'
	if is_root; then
		printf '%s' "$stderr"
	else
		grep -vE "^sockctl inspect: ($told)\$" <<<"$stderr" || true
	fi
}

# Nothing to complain of is on stderr; exit code 0.
assert_clean() {
	if ((status != 0)) || [[ -n $(complaints) ]]; then
		echo "status $status, stdout:" >&2
		echo "$output" >&2
		echo "stderr:" >&2
		echo "$stderr" >&2
		return 1
	fi
}

# The exit code, and a stderr that matches.
assert_refused() { # CODE REGEX
	if ((status != $1)) || ! [[ $stderr =~ $2 ]]; then
		echo "status $status, expected $1 and a stderr that matches: $2" >&2
		echo "stdout: $output" >&2
		echo "stderr: $stderr" >&2
		return 1
	fi
}
