#!/usr/bin/env bats
# A large table is read by several threads: the rows are the same, whoever reads them.

# shellcheck disable=SC2154 # run sets stderr
load ../lib/helpers
load ../lib/inspect

setup_file() {
	local farm=$BUILD/tests/bench/farm
	# Skipping here would be told as a failure: see setup().
	[[ -x $farm && $EUID -eq 0 ]] || return 0
	mkfifo "$BATS_FILE_TMPDIR/hold"
	"$farm" --tcp 2000 <"$BATS_FILE_TMPDIR/hold" >"$BATS_FILE_TMPDIR/farm" 3>&- &
	exec 7>"$BATS_FILE_TMPDIR/hold"
	until_true grep -qs '^ready' "$BATS_FILE_TMPDIR/farm"
	farm_pid=$(sed 's/.*pid=\([0-9]*\).*/\1/' "$BATS_FILE_TMPDIR/farm")
	export farm_pid
}

setup() {
	[[ -v farm_pid ]] || skip "needs root and the farm of tests/bench"
}

teardown_file() {
	if [[ -v farm_pid ]]; then
		exec 7>&-
		await_end "$farm_pid"
	fi
}

ends() { # THREADS
	"$SOCKCTL" inspect --netns "$farm_pid" --no-findings --format raw --no-headings \
		-o state,local,peer,cookie --threads "$1" | sort
}

@test "two, three and four threads read the rows that one reads, each once" {
	want=$(ends 1)
	assert_int "$(wc -l <<<"$want") >= 2000"
	for threads in 2 3 4 64; do
		assert_equal "$(ends $threads | cksum)" "$(cksum <<<"$want")"
	done
}

@test "a listing by threads ends when its reader had enough" {
	run "$SOCKCTL" inspect --netns "$farm_pid" --no-findings --threads 2 --limit 500 -H
	assert_success
	assert_equal "$(grep -c : <<<"$output")" 501 # the note on --limit is a line too
}

@test "without a thread or a descriptor for a shard one thread reads all rows" {
	command -v strace >/dev/null || skip "strace is not installed"
	local want fault
	want=$(ends 1 | cksum)
	# The first socket is that of the one dump.
	for fault in '?clone,?clone3:EAGAIN:1+' '?clone,?clone3:EAGAIN:2+' socket:EMFILE:2+ socket:ENOBUFS:3+; do
		run --separate-stderr "${STRACE[@]}" -f -qq -o /dev/null -e "trace=${fault%%:*}" \
			-e "inject=$(sed 's/:/:error=/; s/:\([^:]*\)$/:when=\1/' <<<"$fault")" \
			"$SOCKCTL" inspect --netns "$farm_pid" --no-findings --format raw --no-headings \
			-o state,local,peer,cookie --threads 4
		[[ $stderr != *strace:* ]] || skip "strace does not work here"
		assert_equal "$fault $status $stderr" "$fault 0 "
		assert_equal "$fault $(sort <<<"$output" | cksum)" "$fault $want"
	done
}
