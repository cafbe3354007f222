#!/usr/bin/env bats
# The file of a unix socket: which it is, where it can be reached, and what is in its place.

load ../lib/helpers
load ../lib/probe
load ../lib/endpoint

# A mount namespace of the test's own: MNT enters it, and the test's network namespace.
mount_ns() { # SCRIPT [ARG]...
	spawn "${NS[@]}" unshare --mount sh -e -c "$1; echo ready; exec cat" sh "${@:2}"
	await_line '^ready$'
	MNT=(nsenter --target "$PID" --mount --net)
}

# A file system that gives out devices of its own: its two layers are on different ones.
# shellcheck disable=SC2016
OVERLAY='cd "$1"; mkdir l u m; mount -t tmpfs none l; mount -t tmpfs none u; mkdir u/u u/w
	mount -t overlay -o lowerdir=l,upperdir=u/u,workdir=u/w,xino=off overlay m'

# Sockets that are made in that mount namespace.
mk_there() { # SCENARIO...
	local NS=("${MNT[@]}")
	mk "$@"
}

there() { # ARG...
	run --separate-stderr "${MNT[@]}" "$SOCKCTL" "$@" </dev/null
	no_crash
}

ids() {
	jq -r 'select(.causes) | [.causes[].id] | join(" ")' <<<"$output"
}

@test "on a file system with devices of its own, live is live and stale is stale" {
	skip_unless_mounts "an overlay"
	local dir=$BATS_TEST_TMPDIR/o own kernel
	mkdir "$dir"
	netns
	mount_ns "$OVERLAY" "$dir"
	mk_there unix_listen:path="$dir/m/live" unix_bound:label=gone,path="$dir/m/stale"
	mk_more close:of=gone.bound
	own=$("${MNT[@]}" stat -c %Hd:%Ld "$dir/m/live")
	kernel=$("${MNT[@]}" sh -c "grep ' $dir/m ' /proc/self/mountinfo" | cut -d' ' -f3)
	[[ $own != "$kernel" ]] || skip "this kernel's overlay has one device"
	there inspect --json --bindable "$dir/m/live"
	assert_equal "$status $(ids)" "1 live-unix"
	assert_contains "$output" "\"pid\":$MK_PID"
	there inspect --json --bindable "$dir/m/stale"
	assert_equal "$status $(ids)" "1 stale-unix"
}

# What connect says, in output.
refused() { # ADDR
	sockctl connect "$1" </dev/null
	assert_equal "$status" 1
	output=$stderr
}

# Something of its own in /tmp, as PrivateTmp= has it.
# shellcheck disable=SC2016
PRIVATE='mkdir -p "$1"; mount -t tmpfs none "$1"'

# A server that answers, in that mount namespace: SERVER is its pid.
serve_there() { # ADDR
	local NS=("${MNT[@]}")
	serve echo "$1"
	SERVER=$PID
}

# Runs the command of the line "next:", in the test's network namespace or in the one it enters.
obey() {
	local next
	next=$(sed -n 's/^next: //p' <<<"$output")
	[[ $next =~ (^|\ )(sockctl|rmdir)\  ]] || fail "$output"
	next=$(sed -E 's/(^| )sockctl /\1"$SOCKCTL" /' <<<"$next")
	export SOCKCTL
	run --separate-stderr in_ns timeout "$READY_WITHIN" bash -c "$next" </dev/null
	no_crash
}

@test "a path of another mount namespace: where its server is, and a command that reaches it" {
	skip_unless_mounts "a directory of its own"
	local dir=$BATS_TEST_TMPDIR/tmp
	netns
	mount_ns "$PRIVATE" "$dir"
	serve_there "unix:$dir/x.sock"
	refused "unix:$dir/x.sock"
	assert_regex "$output" "  other-mount-namespace  sockctl\[$SERVER\] fd [0-9]+ listens on $dir/x.sock in another mount namespace"
	assert_contains "$output" "next: sockctl connect /proc/$SERVER/root$dir/x.sock"
	obey
	assert_status 0
	sockctl probe "unix:$dir/x.sock"
	assert_contains "$output" "in another mount namespace"
	inspect --bindable "$dir/x.sock"
	assert_status 0
	assert_regex "$output" "note: sockctl\[$SERVER\].* in another mount namespace, which is no conflict"
	# From within it there is nothing to explain.
	there connect "unix:$dir/x.sock"
	assert_equal "$status $stderr" "0 "
}

@test "a file that was deleted, or replaced, under a server that listens on" {
	local path=$BATS_TEST_TMPDIR/x.sock old
	netns
	serve echo "unix:$path"
	old=$PID
	rm "$path"
	refused "unix:$path"
	assert_regex "$output" "  deleted-unix  sockctl\[$old\] fd [0-9]+ still listens on $path, but the file was deleted"
	assert_contains "$output" "next: restart sockctl[$old]"
	sockctl probe "unix:$path"
	assert_contains "$output" "but the file was deleted"
	inspect --bindable "$path"
	assert_status 0
	assert_contains "$output" "but its file was deleted: no client can reach it"
	# A newer one has the path: that one is reached, and nothing is said of the other.
	serve echo "unix:$path"
	sockctl connect "unix:$path" </dev/null
	assert_equal "$status $stderr" "0 "
	# Its file stays behind, in the place of the first one's.
	kill -KILL "$PID"
	until_true sockctl_refuses "$path"
	refused "unix:$path"
	assert_regex "$output" "  deleted-unix  sockctl\[$old\] .*but another file has taken the place of its own"
}

sockctl_refuses() {
	! in_ns "$SOCKCTL" connect "unix:$1" </dev/null 2>/dev/null
}

@test "a file that was renamed, a link to nothing, a name in another directory" {
	local dir=$BATS_TEST_TMPDIR
	mkdir "$dir/other"
	netns
	serve echo "unix:$dir/x.sock"
	mv "$dir/x.sock" "$dir/y.sock"
	refused "unix:$dir/x.sock"
	assert_contains "$output" "  other-path  sockctl[$PID]"
	assert_contains "$output" "next: sockctl connect $dir/y.sock"
	obey
	assert_status 0
	ln -s y.sock "$dir/x.sock"
	sockctl connect "unix:$dir/x.sock" </dev/null
	assert_status 0
	serve echo "unix:$dir/other/z.sock"
	rm "$dir/y.sock"
	ln -s none.sock "$dir/w.sock"
	refused "unix:$dir/w.sock"
	assert_contains "$output" "$dir/w.sock is a symbolic link to none.sock, which is not there"
	refused "unix:$dir/z.sock"
	assert_contains "$output" "there is no $dir/z.sock; sockctl[$PID]"
	assert_contains "$output" "next: sockctl connect $dir/other/z.sock"
	obey
	assert_status 0
	refused "unix:$dir/nowhere"
	refute_contains "$output" "listens on"
}

@test "an abstract name of another network namespace" {
	skip_unless_root "other namespaces must be entered"
	netns
	serve echo unix:@name
	SERVER=$PID
	netns
	refused unix:@name
	assert_contains "$output" "  other-namespace  sockctl[$SERVER]"
	obey
	assert_status 0
	inspect --bindable unix:@name
	assert_status 0
	assert_contains "$output" "that name in another network namespace, which is no conflict"
}

@test "a socket that is mounted as a file, and whose server was started anew" {
	skip_unless_mounts "a mount of a file"
	local dir=$BATS_TEST_TMPDIR
	netns
	serve echo "unix:$dir/docker.sock"
	SERVER=$PID
	# shellcheck disable=SC2016
	mount_ns 'touch "$1/inside"; mount --bind "$1/docker.sock" "$1/inside"' "$dir"
	there connect "unix:$dir/inside"
	assert_equal "$status $stderr" "0 "
	kill "$SERVER"
	until_true test ! -e "$dir/docker.sock"
	serve echo "unix:$dir/docker.sock"
	there connect "unix:$dir/inside"
	assert_equal "$status" 1
	assert_contains "$stderr" "  mount-point  $dir/inside is mounted here, and the file was deleted where it comes from"
	assert_contains "$stderr" "next: start the server, then restart the container that has this mount"
	refute_contains "$stderr" "rm "
	there inspect --bindable "$dir/inside"
	assert_equal "$status" 1
	assert_contains "$output" "  mount-point  $dir/inside is mounted here"
	refute_contains "$output" "rm "
	there listen "unix:$dir/inside"
	assert_contains "$stderr" mount-point
	# A container that is started again has the new file.
	# shellcheck disable=SC2016
	mount_ns 'mount --bind "$1/docker.sock" "$1/inside"' "$dir"
	there connect "unix:$dir/inside"
	assert_equal "$status $stderr" "0 "
}

@test "a directory in the place of a socket: it is removed, and the server makes its file" {
	local dir=$BATS_TEST_TMPDIR
	netns
	mkdir "$dir/x.sock" "$dir/full.sock" "$dir/full.sock/x"
	refused "unix:$dir/x.sock"
	assert_contains "$output" "  not-a-socket  $dir/x.sock is an empty directory"
	refute_contains "$output" "bind()"
	assert_contains "$output" "next: rmdir -- $dir/x.sock"
	inspect --bindable "$dir/x.sock"
	assert_status 1
	refute_contains "$output" "another path"
	assert_contains "$output" "next: rmdir -- $dir/x.sock"
	obey
	assert_status 0
	serve echo "unix:$dir/x.sock"
	sockctl connect "unix:$dir/x.sock" </dev/null
	assert_status 0
	refused "unix:$dir/full.sock"
	assert_contains "$output" "  not-a-socket  $dir/full.sock is a directory"
	assert_contains "$output" "next: sockctl inspect -xlp"
	refute_contains "$output" rmdir
	inspect --bindable "$dir/full.sock"
	assert_contains "$output" "another path"
	refute_contains "$output" rmdir
}

# Whether its file is anywhere is not known.
leaves_open() { # [CMD]...
	run --separate-stderr in_ns timeout "$READY_WITHIN" "$@" "$SOCKCTL" connect "unix:$path" </dev/null
	no_crash
	assert_equal "$status" 1
	assert_regex "$stderr" "  not-listening  there is no $path; sockctl\[$PID\] fd [0-9]+ listens on a socket of that name"
	refute_contains "$stderr" 'still listens'
}

@test "a root that may not be looked below leaves it open where the file is" {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null || skip "strace cannot trace here"
	local path=$BATS_TEST_TMPDIR/x.sock error
	netns
	serve echo "unix:$path"
	rm "$path"
	for error in ENOSYS EACCES; do
		leaves_open "${STRACE[@]}" -f -qq -o /dev/null -e trace=openat2 -e "inject=openat2:error=$error"
	done
}

# A file system whose server never answers, in the mount namespace of who runs it.
STUCK='import ctypes, os, sys
fd = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fd
mount = ctypes.CDLL(None, use_errno=True).mount
assert mount(b"stuck", sys.argv[1].encode(), b"fuse", 0, options) == 0, ctypes.get_errno()
print("stuck", flush=True)
sys.stdin.read()'

@test "a file server that does not answer: it is left behind, and the file may be anywhere" {
	skip_unless_mounts "a file system that does not answer"
	[[ -e /dev/fuse ]] || skip "no /dev/fuse"
	local dir=$BATS_TEST_TMPDIR/dir path=$BATS_TEST_TMPDIR/dir/x.sock server stuck
	mkdir "$dir"
	netns
	mount_ns true
	serve_there "unix:$path"
	server=$PID
	rm "$path"
	spawn "${MNT[@]}" python3 -c "$STUCK" "$dir"
	stuck=$PID
	await_line '^stuck$'
	PID=$server
	# A sanitizer that looks for leaks would stop the thread that is left behind, for ever.
	leaves_open env "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0"
	kill "$stuck"
}
