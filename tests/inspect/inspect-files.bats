#!/usr/bin/env bats
# A path in an expression is a file: whatever socket is bound to it is found, by any path.

load ../lib/helpers
load ../lib/inspect

setup() {
	netns
	DIR=$(mktemp -d /tmp/sockctl-tests.XXXXXX)
	mkdir "$DIR/run" "$DIR/var"
	ln -s ../run "$DIR/var/run"
	ln -s "$DIR/run/a" "$DIR/link"
	mk unix_listen:path="$DIR/run/a",label=a unix_listen:path="$DIR/run/b",label=b \
		unix_bound:path="$DIR/run/d",type=dgram,label=d
}

teardown() {
	reap
	documents_are_valid
	rm -rf "$DIR"
}

@test "by a link to its directory, by a link to the file, by a relative path, and no other" {
	local path
	cd "$DIR/var"
	for path in "$DIR/var/run/a" "$DIR/link" ./run/a unix:run/a unix:../link "$DIR//run/../link" "$DIR/run/a"; do
		assert_matches -x "src $path" -- a.listener
		assert_matches -x --src "$path" -- a.listener
		assert_matches -x "src = $path or src $DIR/var/run/b" -- a.listener b.listener
	done
	assert_matches -xa "src $DIR/var/run/d" -- d.bound
	assert_matches -x "src $DIR/var/run/c" --
	# A directory, a file that is no socket.
	assert_matches -x "src $DIR/var" --
	# What holds for the path holds for its opposite.
	assert_matches -xa "src != $DIR/var/run/a and src $DIR/run/*" -- b.listener d.bound
	# The column and patterns are texts.
	assert_matches -x "path = $DIR/var/run/a" --
	assert_matches -x "src ~ $DIR/var/run/?" --
}

@test "by a hard link, and through a bind mount" {
	skip_unless_mounts "file systems are mounted"
	ln "$DIR/run/a" "$DIR/hard"
	assert_matches -x "src $DIR/hard" -- a.listener
	# shellcheck disable=SC2016
	run in_ns unshare --mount sh -c 'mkdir "$1/bound" && mount --bind "$1/run" "$1/bound" &&
		"$2" inspect -x --count "src $1/bound/b"' sh "$DIR" "$SOCKCTL"
	assert_output 1
}

@test "on overlayfs: its stat() has another device than the socket's row" {
	skip_unless_mounts "overlayfs is mounted"
	mkdir "$DIR/o"
	# shellcheck disable=SC2016
	run --separate-stderr in_ns unshare --mount bash -c '
		mount -t tmpfs none "$1/o" && cd "$1/o" && mkdir low up work all &&
			mount -t overlay -o lowerdir=low,upperdir=up,workdir=work none all || exit 77
		cd all && ln -s s link
		coproc "$3" unix_listen:path="$1/o/all/s"
		while read -r line <&"${COPROC[0]}" && [[ $line != ready ]]; do :; done
		"$2" inspect -x --count "src $1/o/all/link"
		"$2" inspect -x --count "src $1/o/all/s"
		kill "$COPROC_PID"' bash "$DIR" "$SOCKCTL" "$MKSOCK"
	((status != 77)) || skip "no overlayfs here"
	assert_output $'1\n1'
}

@test "the peer's file: its clients, whatever path they connected by" {
	assert_matches -x "dst $DIR/var/run/a" --
	spawn in_ns "$SOCKCTL" connect "unix:$DIR/var/run/a"
	until_true in_ns "$SOCKCTL" inspect -q -x "dst $DIR/link"
	inspect --count -x "dst $DIR/link"
	assert_equal "$output" 1
	inspect --count -x "dst $DIR/run/a"
	assert_equal "$output" 1
	inspect --count -x "dst $DIR/var/run/b"
	assert_equal "$output" 0
}

@test "--fail-if, --count and --wait take it so, and --until-gone when the file is another's" {
	inspect -x --fail-if "src $DIR/var/run/a"
	assert_status 1
	inspect -x --fail-if "count(src $DIR/link) > 1"
	assert_status 0
	inspect -x --wait 60s -q "src $DIR/link"
	assert_status 0
	# A server that comes later, by its link that leads nowhere until then.
	ln -s late "$DIR/run/soon"
	spawn in_ns "$SOCKCTL" inspect -x --wait 60s --count "src $DIR/var/run/soon"
	mk_more unix_listen:path="$DIR/run/late",label=late
	await_end "$PID" 0
	spawn in_ns "$SOCKCTL" inspect -x --until-gone --wait 60s "src $DIR/link"
	mk_more close:of=a.listener
	await_end "$PID" 0
}

@test "a server whose file is gone or replaced is found by its name, and not by a link" {
	rm "$DIR/run/a"
	assert_matches -x "src $DIR/run/a" -- a.listener
	assert_matches -x "src $DIR/link" --
	mk_more unix_listen:path="$DIR/run/a",label=new
	# By link only the one that is reached there.
	assert_matches -x "src $DIR/link" -- new.listener
	assert_matches -x "src $DIR/run/a" -- a.listener new.listener
}

@test "--from compares texts, and nothing of this host" {
	inspect -x --record "$DIR/dump"
	inspect -x --from "$DIR/dump" --count "src $DIR/var/run/a"
	assert_equal "$output" 0
	inspect -x --from "$DIR/dump" --count "src $DIR/run/a"
	assert_equal "$output" 1
}

@test "/proc/net tells no files: one of the same last name may be it, others are not" {
	command -v strace >/dev/null || skip "strace is not installed"
	without() { # ARG...
		run --separate-stderr in_ns "${STRACE[@]}" -o /dev/null -e trace=socket \
			-e inject=socket:error=EPROTONOSUPPORT:when=1 "$SOCKCTL" inspect "$@"
	}
	without -x --count "src $DIR/run/a"
	assert_status 0
	assert_equal "$output" 1
	without -x --count "src $DIR/var/run/a"
	assert_status 3
	without -x --count "src $DIR/link"
	assert_status 3
	without -x --count "src $DIR/var/run"
	assert_status 0
	assert_equal "$output" 0
}

@test "a path is looked up once, and nothing where none is named" {
	strace -o /dev/null true 2>/dev/null || skip "strace cannot trace here"
	looks() { # ARG...
		in_ns "${STRACE[@]}" -f -o "$BATS_TEST_TMPDIR/calls" -e trace=open,openat "$SOCKCTL" inspect "$@" >/dev/null
		grep -cE "\"$DIR/[^\"]*\", [^)]*O_PATH" "$BATS_TEST_TMPDIR/calls" || true
	}
	assert_equal "$(looks -x "src $DIR/link or src $DIR/run/*")" 2
	assert_equal "$(looks -x)" 0
	assert_equal "$(looks -x "path = $DIR/run/a and src ~ $DIR/*")" 0
}
