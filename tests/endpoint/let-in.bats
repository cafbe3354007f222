#!/usr/bin/env bats
# Who may connect: --allow and --deny, by address and prefix.

load ../lib/helpers
load ../lib/endpoint

# What a peer from ADDR gets of the server at PORT.
from() { # ADDR
	printf hello | socat -t 20 - "TCP:127.0.0.1:$PORT,bind=$1"
}

# A peer from ADDR that only reads is reset.
is_reset() { # ADDR
	assert_regex "$(ncat --recv-only -s "$1" 127.0.0.1 "$PORT" 2>&1 </dev/null)" 'reset by peer'
}

@test "--allow and --deny: a peer turned away is reset, runs nothing and is not the one peer" {
	serve listen --allow 127.9.0.0/16,127.8.4.2 --deny 127.9.77.0/25 --sh 'echo "$SOCKCTL_PEER" >>'"$BATS_TEST_TMPDIR/ran; cat" 127.0.0.1:0
	is_reset 127.8.4.3
	is_reset 127.9.77.127
	assert_equal "$(from 127.9.77.128)" hello
	served
	assert_equal "$status" 0
	assert_regex "$(<"$BATS_TEST_TMPDIR/ran")" '^127\.9\.77\.128:[0-9]+$'
	assert_regex "$stderr" 'turned away: 127\.8\.4\.3:[0-9]+'
	assert_regex "$stderr" '1 connection, .* 2 turned away'
}

@test "--deny of IPv4 on a dual-stack socket; --max and the JSON totals count who was let in" {
	local port=$BATS_TEST_TMPDIR/port
	"$SOCKCTL" listen --json --port-file "$port" --max 2 --reply yes --deny 127.5.0.0/16 '[::]:0' </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	PIDS+=("$!")
	until_true test -s "$port"
	PORT=$(<"$port")
	PORT=${PORT##*:}
	is_reset 127.5.1.1
	assert_equal "$(from 127.6.1.1)" yes
	is_reset 127.5.1.2
	assert_equal "$(printf x | socat -t 20 - "TCP6:[::1]:$PORT")" yes
	end_of "${PIDS[-1]}"
	assert_equal "$ENDED" 0
	assert_regex "$(<"$BATS_TEST_TMPDIR/err")" '"type":"summary","connections":2,.*"turned_away":2'
}

@test "echo --threads, and datagrams: only those who may come are answered" {
	serve echo --threads 2 --allow 127.0.0.1 127.0.0.1:0
	is_reset 127.0.0.2
	assert_equal "$(from 127.0.0.1)" hello
	end_served
	assert_regex "$stderr" '1 turned away'

	serve listen -u --max 2 --deny 127.3.0.0/16 127.0.0.1:0
	printf lost | socat -u - "UDP:127.0.0.1:$PORT,bind=127.3.9.9"
	printf one | socat -u - "UDP:127.0.0.1:$PORT,bind=127.4.9.9"
	printf lost | socat -u - "UDP:127.0.0.1:$PORT,bind=127.3.9.8"
	printf two | socat -u - "UDP:127.0.0.1:$PORT,bind=127.4.9.9"
	served
	assert_equal "$status" 0
	assert_equal "$(<"$SERVED")" onetwo
	assert_regex "$stderr" '2 peers, 2 datagrams received, 0 sent, 2 turned away'
}

@test "a bad prefix and a socket without IP addresses are refused" {
	sockctl listen --allow 10.0.0.0/33 127.0.0.1:0
	assert_equal "$status" 2
	assert_regex "$stderr" "'10.0.0.0/33' is not an address or a prefix"
	sockctl echo --deny 127.0.0.1, 127.0.0.1:0
	assert_equal "$status" 2
	sockctl listen --allow 10.0.0.0/8 "unix:$BATS_TEST_TMPDIR/s"
	assert_equal "$status" 2
	assert_regex "$stderr" "no IP address"
	sockctl echo --client --deny ::1 127.0.0.1:9
	assert_equal "$status" 2
}
