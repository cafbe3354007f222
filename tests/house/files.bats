#!/usr/bin/env bats
# Files that are written: what a path leads to, what was there before, and whole or not.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint

setup() {
	DIR=$BATS_TEST_TMPDIR/files
	mkdir "$DIR"
	cd "$DIR" || return
}

# A record that breaks off in a message, and the same whole.
records() {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	in_ns "$SOCKCTL" inspect -q --record whole.rec
	head -c $(($(stat -c %s whole.rec) - 6)) whole.rec >cut.rec
	assert test -s cut.rec
}

writes_all() { # FILE
	[[ $(<"$1") == *STATE*127.0.0.1:80* ]] || fail "$1: $(<"$1")"
}

nothing_else() { # NAME...
	assert_equal "$(find . -mindepth 1 -printf '%P\n' | sort | xargs)" "$(printf '%s\n' "$@" | sort | xargs)"
}

@test "our own descriptors are written to, not opened: files, pipes, sockets" {
	local name
	records
	for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
		echo before >out
		"$SOCKCTL" inspect --from whole.rec -O "$name" >>out
		assert_equal "$(head -n 1 out)" before
		writes_all out
		assert_equal "$("$SOCKCTL" inspect --from whole.rec -O "$name" | wc -l)" 2
		run python3 -c '
import socket, subprocess, sys
ours, theirs = socket.socketpair()
subprocess.run(sys.argv[1:], stdout=theirs, check=True)
print(ours.recv(65536).decode())' "$SOCKCTL" inspect --from whole.rec -O "$name"
		assert_output --partial 127.0.0.1:80
	done
	"$SOCKCTL" inspect --from whole.rec -O /dev/stderr 2>out
	writes_all out
	"$SOCKCTL" inspect --from whole.rec -O /dev/fd/7 7>out
	writes_all out
	in_ns "$SOCKCTL" inspect -q --record /dev/stdout >again.rec
	"$SOCKCTL" inspect --from again.rec -O out
	writes_all out
	# By a link of one's own, and by the number of one's own process.
	ln -s /dev/stdout link
	"$SOCKCTL" inspect --from whole.rec -O link >out
	writes_all out
	sh -c 'exec "$0" inspect --from whole.rec -O /proc/$$/fd/1' "$SOCKCTL" >out
	writes_all out
	assert test -L link
}

@test "a descriptor that is not ours, or not for writing, is refused before anything is read" {
	local fd
	netns
	for fd in 7 9 123456; do
		inspect -O /dev/fd/$fd
		assert_refused 3 "/dev/fd/$fd: Bad file descriptor"
	done
	run --separate-stderr in_ns "$SOCKCTL" inspect -O /dev/fd/8 8</dev/null
	assert_refused 3 '/dev/fd/8 is not open for writing'
	# What it opened itself is nobody else's to name.
	for fd in 3 4 5 6; do
		run --separate-stderr in_ns sh -c 'exec 3>&- 4>&- 5>&- 6>&-; exec "$@"' sh "$SOCKCTL" inspect -O /dev/fd/$fd
		assert_refused 3 'Bad file descriptor'
	done
	inspect --record /dev/stdout
	assert_refused 2 'and so do the rows'
	inspect --record x -O x
	assert_refused 2 'and so do the rows'
}

@test "a record and the rows do not take each other's place, whatever the file is called" {
	local quiet other
	netns
	mk listen:port=80
	echo old >file
	ln -s file link
	mkdir sub
	for quiet in '' -q; do
		for other in ./file link sub/../file "$DIR/file"; do
			# shellcheck disable=SC2086
			inspect $quiet --record file -O "$other"
			assert_refused 3 "--record file and -O $other are the same file"
			assert_equal "$(<file)" old
		done
	done
	inspect --record new -O ./new
	assert_refused 3 'are the same file'
	refute test -e new
	# Of the same name in another directory, and of another name for the same content.
	ln file hard
	inspect --record file -O hard
	assert_success
	inspect --record new -O sub/new
	assert_success
	assert_contains "$(<sub/new)" LISTEN
	assert test -s new
}

@test "root's /dev/stdout stays what it is" {
	skip_unless_mounts "a /dev of its own"
	records
	# shellcheck disable=SC2016
	unshare --mount sh -c '
		mount -t tmpfs none /dev && ln -s /proc/self/fd/1 /dev/stdout && ln -s /proc/self/fd/2 /dev/stderr &&
		mknod -m 666 /dev/null c 1 3 || exit 9
		"$0" inspect --from whole.rec -O /dev/stdout >rows &&
		"$0" inspect --from whole.rec -O /dev/stderr 2>rows2 &&
		"$0" inspect --from whole.rec -O /dev/null &&
		ls -l /dev >listed' "$SOCKCTL"
	writes_all rows
	writes_all rows2
	grep -q 'stdout -> /proc/self/fd/1' listed
	grep -q 'stderr -> /proc/self/fd/2' listed
	grep -q '^crw.*null' listed
}

@test "of a link the file it leads to is replaced, made where it is missing" {
	records
	mkdir -p deep/er
	echo old >deep/file
	ln -s ../deep/er/../file deep/link
	ln -s deep/link link
	ln -s deep/er/new fresh
	ln -s "$DIR/deep" by
	"$SOCKCTL" inspect --from whole.rec -O link
	writes_all deep/file
	"$SOCKCTL" inspect --from whole.rec -O fresh
	writes_all deep/er/new
	"$SOCKCTL" inspect --from whole.rec -O by/er/./third
	writes_all deep/er/third
	nothing_else whole.rec cut.rec deep deep/er deep/file deep/link deep/er/new deep/er/third link fresh by
	assert test -L link
	assert test -L deep/link
	assert test -L fresh
	assert test -L by
	ln -s loop loop
	inspect --from whole.rec -O loop
	assert_refused 3 'loop: Too many levels'
}

@test "a link that a stranger put where everybody may is not followed" {
	skip_unless_root "two users"
	records
	mkdir -m 1777 sticky sticky/sub
	mkdir target
	echo precious >target/file
	ln -s ../target/file sticky/link
	ln -s ../target sticky/dir
	chown -h 65534 sticky/link sticky/dir
	local path
	for path in sticky/link sticky/dir/file sticky/dir/new; do
		inspect --from whole.rec -O "$path"
		assert_refused 3 "$path leads through a symbolic link that somebody else"
		run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen --port-file "$path" 127.0.0.1:0
		assert_refused 3 'symbolic link'
	done
	assert_equal "$(<target/file)" precious
	nothing_else whole.rec cut.rec sticky sticky/sub sticky/link sticky/dir target target/file
	# The owner of the directory is trusted, and so are we.
	chown 65534 sticky
	"$SOCKCTL" inspect --from whole.rec -O sticky/link
	writes_all target/file
	chown 0 sticky
	chown -h 0 sticky/link
	echo precious >target/file
	"$SOCKCTL" inspect --from whole.rec -O sticky/link
	writes_all target/file
}

@test "a part of the rows replaces no file, what else is incomplete does" {
	records
	local format
	for format in table raw json; do
		echo old >file
		inspect --from cut.rec --format $format -O file
		assert_refused 3 'file stays as it was: rows are missing'
		assert_equal "$(<file)" old
		inspect --from cut.rec --format $format -O new
		assert_refused 3 'new is not written: rows are missing'
		refute test -e new
	done
	inspect --from whole.rec --fail-if 'state = listen' -O file
	assert_equal "$status" 1
	writes_all file
	nothing_else whole.rec cut.rec file
}

@test "mode and owner of the old file are kept, without set-ID bits" {
	local mode
	records
	umask 022
	for mode in 600 444 6755; do
		echo old >file
		chmod $mode file
		! is_root || chown 12:34 file
		! is_root || chmod $mode file
		"$SOCKCTL" inspect --from whole.rec -O file
		assert_equal "$(stat -c %a file)" "${mode: -3}"
		! is_root || assert_equal "$(stat -c %u:%g file)" 12:34
		rm -f file
	done
	(umask 027 && "$SOCKCTL" inspect --from whole.rec -O file)
	assert_equal "$(stat -c %a file)" 640
}

@test "who may not give a file back owns it, and is told" {
	skip_unless_root "two users"
	records
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	mkdir -m 777 open
	chmod 644 whole.rec
	echo old >open/file
	chmod 660 open/file
	cd open
	sockctl_as_user inspect --from ../whole.rec -O file
	assert_equal "$status" 0
	assert_contains "$stderr" 'file belongs to you now'
	# The user's own group has no more than everybody had.
	assert_equal "$(stat -c '%u %a' file)" '65534 600'
}

@test "what cannot be replaced is said before work begins" {
	records
	mkdir dir
	inspect -O ''
	assert_refused 2 'the name is empty'
	inspect --record ''
	assert_refused 2 'the name is empty'
	local path want
	for want in 'none/x=No such file' dir='Is a directory' dir/='Is a directory' new/='Is a directory' \
		whole.rec/x='Not a directory' .='Is a directory'; do
		path=${want%%=*}
		# If it waited first, this would be another exit code.
		inspect --wait "${READY_WITHIN}s" state = close-wait -O "$path"
		assert_refused 3 "${want#*=}"
		run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen --port-file "$path" 127.0.0.1:0
		assert_refused 3 "${want#*=}"
		refute_contains "$stderr" listening
	done
	nothing_else whole.rec cut.rec dir
}

@test "of another in a sticky directory, in one that may not be written, immutable: said before" {
	skip_unless_root "two users"
	records
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	mkdir -m 1777 sticky
	mkdir -m 755 shut
	echo theirs | tee sticky/file >shut/file
	chmod 666 sticky/file shut/file
	sockctl_as_user inspect --wait "${READY_WITHIN}s" state = close-wait -O sticky/file
	assert_refused 3 'replace sticky/file: Operation not permitted'
	sockctl_as_user inspect --wait "${READY_WITHIN}s" state = close-wait -O shut/file
	assert_refused 3 'shut/file: Permission denied'
	sockctl_as_user inspect --wait "${READY_WITHIN}s" state = close-wait -O shut/new
	assert_refused 3 'create shut/new: Permission denied'
	assert_equal "$(cat sticky/file shut/file)" $'theirs\ntheirs'
	skip_unless_mounts "a file that is mounted by itself"
	run --separate-stderr unshare --mount sh -c 'mount --bind whole.rec sticky/file && exec "$@"' sh \
		"$SOCKCTL" inspect --from whole.rec -O sticky/file
	assert_refused 3 'sticky/file is mounted by itself'
}

@test "names of up to 255 bytes work" {
	local n name
	records
	for n in 249 255; do
		name=$(printf "%0${n}d" 0)
		"$SOCKCTL" inspect --from whole.rec -O "$name"
		writes_all "$name"
		"$SOCKCTL" inspect --from whole.rec -O "$name"
		rm "$name"
	done
	inspect --from whole.rec -O "$(printf %0256d 0)"
	assert_refused 3 'File name too long'
	nothing_else whole.rec cut.rec
}

@test "a pipe is written to, and nothing that takes its place meanwhile" {
	records
	mkfifo pipe
	cat pipe >got 3>&- &
	PIDS+=($!)
	"$SOCKCTL" inspect --from whole.rec -O pipe
	await_end "${PIDS[-1]}"
	writes_all got
	assert test -p pipe
	# It waits for a reader of the pipe that it found; a link to a file takes its name.
	echo precious >precious
	exec {IN_PIPE}<>pipe
	ln -s precious swap
	spawn "$SOCKCTL" inspect --from /dev/stdin -O pipe
	until_true eval "[[ \$(readlink /proc/$PID/fd/* | grep -c files/pipe) == 2 ]]" # ours, too
	mv -f swap pipe
	cat whole.rec >&"$IN"
	exec {IN}>&-
	INPUTS=()
	await_end "$PID"
	assert_equal "$(<precious)" precious
	read -r -t "$READY_WITHIN" -u "$IN_PIPE" line
	assert_regex "$line" '^STATE'
	exec {IN_PIPE}>&-
}

# Waits for its input with the file open.
writes_slowly() { # FILE
	spawn "${@:2}" "$SOCKCTL" inspect --from - -O "$1"
	has_file_open() { readlink /proc/"$PID"/fd/* 2>/dev/null | grep -qE "^$DIR/(#|\.sockctl)"; }
	until_true has_file_open
}

@test "no signal, no full disk and no limit leaves a part behind, of a new file or an old one" {
	local signal old
	records
	for signal in TERM HUP QUIT XCPU KILL; do
		for old in yes no; do
			rm -f file
			[[ $old == no ]] || echo old >file
			writes_slowly file
			kill -s "$signal" "$PID"
			await_end "$PID" $((128 + $(kill -l "$signal")))
			[[ $old == no ]] || assert_equal "$(<file)" old
			rm -f file
			nothing_else whole.rec cut.rec
		done
	done
	echo old >file
	head -c 200000 /dev/zero >zeros
	run bash -o pipefail -c '(ulimit -f 0 && exec "$@" 2>&1) | cat' sh "$SOCKCTL" inspect --from whole.rec -O file
	assert_equal "$status" 3
	assert_output --partial 'write file: File too large'
	assert_equal "$(<file)" old
	nothing_else whole.rec cut.rec file zeros
}

@test "where a file must have a name from the start it goes with the program" {
	skip_unless_mounts "a /proc that is not there"
	local signal
	records
	for signal in TERM INT HUP ALRM; do
		echo old >file
		# Without O_TMPFILE, as far as the program can tell.
		writes_slowly file unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh
		find . -name '.sockctl-*' | grep -q .
		assert_equal "$(find . -name '.sockctl-*' -printf %m)" 600
		kill -s "$signal" "$PID"
		await_end "$PID" $((128 + $(kill -l "$signal")))
		nothing_else whole.rec cut.rec file
		assert_equal "$(<file)" old
	done
	! grep -q __asan_init "$SOCKCTL" || skip "asan reads its options from /proc: it looks for leaks, and cannot"
	unshare --mount sh -c 'mount -t tmpfs none /proc && "$0" inspect --from whole.rec -O file && "$0" inspect --from whole.rec -O new' "$SOCKCTL"
	writes_all file
	writes_all new
	nothing_else whole.rec cut.rec file new
}
