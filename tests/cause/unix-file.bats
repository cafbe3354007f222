#!/usr/bin/env bats
# The file of a unix socket: which it is, where it can be reached, and what is in its place.

load ../lib/helpers
load ../lib/probe
load ../lib/endpoint

# A mount namespace of the test's own: MNT enters it, and the test's network namespace.
mount_ns() { # SCRIPT [ARG]...
	spawn "${NS[@]}" unshare --mount sh -e -c "$1; echo ready; exec cat" sh "${@:2}"
	await_line '^ready$'
	MNT_PID=$PID
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
