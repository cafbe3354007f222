#!/usr/bin/env bats
# What ends the program, and what is left of it then: nothing.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint

ENDING=(TERM INT HUP QUIT USR1 USR2 ALRM VTALRM PROF XCPU)

# The status says which signal it was; a core is not wanted.
ended_by() { # SIGNAL
	assert_equal "$status" $((128 + $(kill -l "$1")))
}

setup() {
	ulimit -c 0
}

@test "each signal that ends a server takes the file of its unix socket with it" {
	local signal proto sock signals=("${ENDING[@]}")
	for proto in unix unix-dgram unix-seqpacket; do
		for signal in "${signals[@]}"; do
			sock=$BATS_TEST_TMPDIR/$proto.$signal
			serve listen -k "$proto:$sock"
			assert test -S "$sock"
			end_served "$signal"
			ended_by "$signal"
			[[ ! -e $sock ]] || fail "$signal leaves $proto"
		done
		signals=(HUP USR1)
	done
	run find "$BATS_TEST_TMPDIR" -mindepth 1 -maxdepth 1 -not -name 'serve.*'
	assert_output ''
}

# It may wait for its end to be read by whoever it was left to.
is_over() { # PID
	! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

@test "each of them ends the commands of --exec, too" {
	local signal child
	for signal in HUP QUIT USR1 ALRM TERM; do
		serve listen -k --sh 'echo $$; exec cat' 127.0.0.1:0
		local server=$PID
		spawn "$SOCKCTL" connect "$ADDR"
		IFS= read -r -t "$READY_WITHIN" -u "$OUT" child
		PID=$server
		kill -0 "$child"
		end_served "$signal"
		ended_by "$signal"
		until_true is_over "$child"
	done
}

# Whether a signal is in a mask of /proc/PID/status.
in_mask() { # PID MASK SIGNAL
	local mask
	mask=$(awk -v mask="$2:" '$1 == mask { print $2 }' "/proc/$1/status")
	((16#$mask >> ($(kill -l "$3") - 1) & 1))
}

@test "a signal that was ignored at the start stays ignored, in no mask and in no signalfd" {
	local signal watched how
	netns
	for how in "listen -k 127.0.0.1:0" "echo 127.0.0.1:0" "probe --attempts 0 --interval 10ms -T 1s 127.0.0.1:1" \
		"connect --hold 1h 127.0.0.1:80"; do
		[[ $how != connect* ]] || mk listen:addr=127.0.0.1,port=80,backlog=64
		# shellcheck disable=SC2086
		spawn env --ignore-signal=HUP,USR1,QUIT "${NS[@]}" "$SOCKCTL" $how
		has_signalfd() { grep -qs sigmask /proc/"$PID"/fdinfo/*; }
		until_true has_signalfd
		watched=$(awk '$1 == "sigmask:" { print $2 }' /proc/"$PID"/fdinfo/*)
		for signal in HUP USR1 QUIT; do
			run in_mask "$PID" SigBlk "$signal"
			assert_failure
			((!(16#$watched >> ($(kill -l $signal) - 1) & 1))) || fail "$signal is in the signalfd"
			kill -s "$signal" "$PID"
		done
		assert_int "16#$watched >> ($(kill -l TERM) - 1) & 1"
		kill -0 "$PID"
		kill -s TERM "$PID"
		await_end "$PID" 143
	done
}

@test "under nohup probe --wait waits on" {
	netns
	spawn nohup "${NS[@]}" "$SOCKCTL" probe --wait "${READY_WITHIN}s" 127.0.0.1:80
	has_signalfd() { grep -qs sigmask /proc/"$PID"/fdinfo/*; }
	until_true has_signalfd
	local waiting=$PID
	kill -HUP "$waiting"
	mk listen:addr=127.0.0.1,port=80,backlog=64
	await_end "$waiting"
}

@test "a command gets the signals as we got them" {
	# The last 28 of them: glibc leaves its own two ignored, 32 and 33.
	local show='/^Sig(Blk|Ign):/ { print $1, substr($2, 10) }' got want how
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	for how in --default-signal=PIPE,XFSZ --ignore-signal=PIPE,XFSZ,HUP; do
		want=$(env "$how" awk "$show" /proc/self/status)
		got=$(in_ns env "$how" "$SOCKCTL" probe -q 127.0.0.1:80 -- awk "$show" /proc/self/status)
		assert_equal "$got" "$want"
		spawn env "$how" "${NS[@]}" "$SOCKCTL" listen --port-file "$BATS_TEST_TMPDIR/port" \
			--exec "awk '$show' /proc/self/status" 127.0.0.1:0
		until_true test -s "$BATS_TEST_TMPDIR/port"
		got=$(in_ns "$SOCKCTL" connect --recv-only "$(<"$BATS_TEST_TMPDIR/port")")
		want=$(env --default-signal=INT,QUIT env "$how" awk "$show" /proc/self/status)
		assert_equal "$got" "$want"
		rm "$BATS_TEST_TMPDIR/port"
	done
}

@test "with the rights of another it does not start" {
	skip_unless_root "setpriv gives two users"
	local how
	for how in --ruid=65534 "--rgid=65534 --clear-groups"; do
		# shellcheck disable=SC2086
		run --separate-stderr setpriv $how "$SOCKCTL" inspect
		assert_equal "$status" 3
		assert_equal "$output" ''
		assert_contains "$stderr" 'set-' '-ID' chmod
	done
}
