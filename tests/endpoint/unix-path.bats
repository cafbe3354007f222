#!/usr/bin/env bats
# The path of a unix socket: taken only when nobody has it, removed only while it is ours.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# A socket of that name elsewhere, whose file nobody can tell, would count as this one.
	SOCK=sock.$$
}

# Binds a unix socket and does no more; says so.
BINDS='import socket, sys
s = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + sys.argv[2]))
s.bind(sys.argv[1])
print("bound", flush=True)
sys.stdin.read()'

stale() { # PATH
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"
}

takes_over() { # PATH
	serve listen -k "unix:$1"
	assert test -S "$1"
	end_served
	refute test -e "$1"
}

@test "a path that is bound in another network namespace, not listened on, is in use" {
	local type proto
	netns
	for type in STREAM DGRAM; do
		proto=unix
		[[ $type == STREAM ]] || proto=unix-dgram
		spawn "${NS[@]}" python3 -c "$BINDS" "$PWD/$SOCK" $type
		await_line '^bound$'
		run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen "$proto:$PWD/$SOCK"
		assert_refused 3 'a live socket has this path'
		assert test -S "$SOCK"
		# The same name in another directory is nobody's concern.
		mkdir -p other
		stale "other/$SOCK"
		local there=$PID input=$IN
		takes_over "$PWD/other/$SOCK"
		PID=$there IN=$input
		# Stale, once it has gone.
		exec {IN}>&-
		await_end "$PID"
		serve listen -k "$proto:$PWD/$SOCK"
		end_served
		netns
	done
}

@test "so is one that a container has under another name" {
	skip_unless_mounts "a directory at two places"
	mkdir shared inside
	netns
	# shellcheck disable=SC2016
	spawn "${NS[@]}" unshare --mount sh -c 'mount --bind shared inside && exec "$@"' sh \
		python3 -c "$BINDS" "$PWD/inside/$SOCK" STREAM
	await_line '^bound$'
	run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen "unix:$PWD/shared/$SOCK"
	assert_refused 3 'a live socket has this path'
	assert test -S "shared/$SOCK"
}

@test "so is one whose name leads through an absolute link, which leads elsewhere here" {
	skip_unless_mounts "a directory at two places"
	mkdir shared inside
	ln -s "$PWD/inside" link
	# shellcheck disable=SC2016
	spawn unshare --net --mount sh -c 'mount --bind shared inside && exec "$@"' sh \
		python3 -c "$BINDS" "$PWD/link/$SOCK" STREAM
	await_line '^bound$'
	# By the same name, here, another socket.
	python3 -c "$BINDS" "$PWD/inside/$SOCK" STREAM </dev/null
	run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen "unix:$PWD/shared/$SOCK"
	assert_refused 3 'a live socket has this path'
	assert test -S "shared/$SOCK"
}

# Binds a socket in the mounted namespace ns, without a process that stays in it, and runs
# the rest.
VISITS='import ctypes, os, socket, subprocess, sys
home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open("ns", os.O_RDONLY)
setns = ctypes.CDLL(None).setns
assert setns(there, 0) == 0
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
assert setns(home, 0) == 0
if sys.argv[2] == "gone":
    s.close()
sys.exit(subprocess.run(sys.argv[3:]).returncode)'

@test "so is one in a namespace that has a name and no process" {
	skip_unless_mounts "a namespace that is mounted"
	local held
	for held in held gone; do
		rm -f "$SOCK"
		touch ns
		# shellcheck disable=SC2016
		run --separate-stderr unshare --mount sh -c 'unshare --net="$PWD/ns" true && exec "$@"' sh \
			python3 -c "$VISITS" "$PWD/$SOCK" $held "$SOCKCTL" listen --timeout 100ms "unix:$PWD/$SOCK"
		if [[ $held == held ]]; then
			assert_refused 3 'a live socket has this path'
			assert test -S "$SOCK"
		else
			assert_equal "$status" 4
			assert_contains "$stderr" "listening on unix:$PWD/$SOCK"
		fi
	done
}

@test "a stale socket is replaced, with nothing left beside it" {
	local name
	for name in s "with blank" "$(printf %080d 1)"; do
		stale "$name"
		takes_over "./$name"
	done
	run find . -mindepth 1 -not -path './serve.*'
	assert_output ''
}

@test "the heading of the list is nobody's name" {
	stale Path
	takes_over Path
}

@test "a list that is there and cannot be read means no, and rm is what to do" {
	skip_unless_mounts "a /proc/net/unix that cannot be read"
	stale "$SOCK"
	# Its own alone: a sanitizer needs the rest of /proc.
	# shellcheck disable=SC2016
	run --separate-stderr timeout "$READY_WITHIN" unshare --mount sh -c \
		'mount -t tmpfs none /proc/$$/net && exec "$@"' sh "$SOCKCTL" listen "unix:$PWD/$SOCK"
	assert_refused 3 'cannot tell whether it is still in use: read /proc/net/unix'
	assert_contains "$stderr" "rm -- $PWD/$SOCK"
	# No other table knows better in the next line.
	refute_contains "$stderr" stale-unix
	refute_contains "$stderr" "no program holds"
	assert test -S "$SOCK"
}

@test "a pid namespace of one's own does not block" {
	skip_unless_mounts "a pid namespace"
	stale "$SOCK"
	run --separate-stderr unshare --pid --fork --mount-proc timeout "$READY_WITHIN" "$SOCKCTL" listen --timeout 100ms "unix:$PWD/$SOCK"
	assert_equal "$status" 4
	assert_contains "$stderr" "listening on unix:$PWD/$SOCK"
}

@test "what another bound meanwhile is not removed at the end" {
	local proto
	for proto in unix unix-dgram; do
		serve listen -k "$proto:$PWD/$SOCK"
		rm "$SOCK"
		stale "$SOCK"
		end_served
		[[ -S $SOCK ]] || fail "$proto removed it"
		rm "$SOCK"
		serve listen -k "$proto:$PWD/$SOCK"
		rm "$SOCK"
		echo text >"$SOCK"
		end_served
		assert_equal "$(<"$SOCK")" text
		rm "$SOCK"
	done
}

@test "where the rename aside fails, or what was aside is another, nothing is lost" {
	type strace >/dev/null || skip "needs strace"
	stale "$SOCK"
	run --separate-stderr "${STRACE[@]}" -qq -o /dev/null -e inject=renameat2:error=EACCES "$SOCKCTL" listen --timeout "${READY_WITHIN}s" "unix:$PWD/$SOCK"
	assert_refused 3 'remove the stale socket .*Permission denied'
	assert test -S "$SOCK"
	# A file system that does not know RENAME_NOREPLACE.
	run --separate-stderr "${STRACE[@]}" -qq -o /dev/null -e inject=renameat2:error=EINVAL "$SOCKCTL" listen --timeout 100ms "unix:$PWD/$SOCK"
	assert_equal "$status" 4
	refute test -e "$SOCK"
}
