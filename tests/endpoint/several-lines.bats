#!/usr/bin/env bats
# Several peers share the output of a listener: whole lines, and nobody waits for one that is silent.

load ../lib/helpers
load ../lib/endpoint

# Peers of so many lines each, written in pieces that end anywhere.
write_lines() { # PEERS LINES
	local i
	for ((i = 1; i <= $1; i++)); do
		awk -v "peer=$i" -v "lines=$2" 'BEGIN {
			for (n = 1; n <= lines; n++) {
				printf "peer %d line %d ", peer, n
				for (k = (n * 7 + peer) % 90; k; k--) printf "%d", k % 10
				print "."
			}
		}' >"$BATS_TEST_TMPDIR/in.$i"
	done
}

# All of them at once; socat writes what it reads, 700 bytes here.
send_lines() { # PEERS
	local i pids=()
	for ((i = 1; i <= $1; i++)); do
		socat -b 700 -u "$BATS_TEST_TMPDIR/in.$i" "TCP:$ADDR" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do await_end "$i"; done
}

has_bytes() { # FILE TEXT
	[[ $(<"$1") == "$2" ]]
}

@test "lines of several clients are whole in a file and in a pipe" {
	local whole=$BATS_TEST_TMPDIR/whole sorter
	write_lines 12 3000
	sort "$BATS_TEST_TMPDIR"/in.* >"$whole"
	serve listen --max 12 127.0.0.1:0
	send_lines 12
	served
	assert_equal "$status" 0
	sort "$SERVED" | cmp - "$whole"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	sort "$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/sorted" 3>&- &
	sorter=$!
	"${IN_FRONT[@]}" "$SOCKCTL" listen --max 12 --port-file "$BATS_TEST_TMPDIR/port" 127.0.0.1:0 </dev/null >"$BATS_TEST_TMPDIR/pipe" 2>/dev/null 3>&- &
	PID=$!
	PIDS+=("$PID")
	until_true test -s "$BATS_TEST_TMPDIR/port"
	ADDR=$(<"$BATS_TEST_TMPDIR/port")
	send_lines 12
	await_end "$PID"
	await_end "$sorter"
	cmp "$BATS_TEST_TMPDIR/sorted" "$whole"
}

@test "an unfinished line goes at once where nobody else writes, and holds nobody up for long" {
	local one two
	serve listen -k 127.0.0.1:0
	exec {one}<>"/dev/tcp/127.0.0.1/$PORT" {two}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'name: ' >&"$one"
	until_true has_bytes "$SERVED" 'name: '
	printf 'second\nthird' >&"$two"
	until_true has_bytes "$SERVED" $'name: second\nthird'
	printf 'last' >&"$one"
	until_true has_bytes "$SERVED" $'name: second\nthirdlast'
	exec {one}<&- {two}<&-
	end_served
	assert_equal "$status" 143
}

@test "what a line lacks when its peer resets, ends or the listener is ended is written all the same" {
	local one two
	serve listen -k 127.0.0.1:0
	kill -STOP "$PID"
	STOPPED+=("$PID")
	printf 'a\nb' | socat -u - "TCP:$ADDR"
	printf 'c\nd' | socat -u - "TCP:$ADDR,linger=0"
	exec {one}<>"/dev/tcp/127.0.0.1/$PORT" {two}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'e\nf' >&"$one"
	printf 'g\nh' >&"$two"
	kill -CONT "$PID"
	until_true grep -q g "$SERVED"
	end_served
	assert_equal "$status" 143
	assert_equal "$(tr -d '\n' <"$SERVED" | fold -w 1 | sort | tr -d '\n')" abcdefgh
}

@test "listen -k and --max say what becomes of a stdin that somebody gave" {
	local how
	echo input >"$BATS_TEST_TMPDIR/input"
	for how in --keep "--max 2"; do
		# shellcheck disable=SC2086 # an option and its value
		INPUT=$BATS_TEST_TMPDIR/input serve listen $how 127.0.0.1:0
		assert_equal "$("$SOCKCTL" connect --recv-only --idle 50ms "$ADDR" </dev/null 2>/dev/null)" ""
		end_served
		assert_regex "$stderr" "stdin is not read with ${how% *}: peers get nothing from it"
	done
	for how in "--keep --send x" "--keep --recv-only" "--keep --sh cat" ""; do
		# shellcheck disable=SC2086
		INPUT=$BATS_TEST_TMPDIR/input serve listen $how 127.0.0.1:0
		end_served
		refute_regex "$stderr" "stdin is not read"
	done
	serve listen -k 127.0.0.1:0
	end_served
	refute_regex "$stderr" "stdin is not read"
}
