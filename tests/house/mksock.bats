#!/usr/bin/env bats
# The sockets that the other tests stand on are in the states they claim: by /proc/net, not
# by the program under test.

load ../lib/helpers

# "ST TX RX" of a row of /proc/net/tcp{,6} in the namespace, by its local port and peer port.
row() { # FILE LOCAL_PORT PEER_PORT
	in_ns cat "/proc/net/$1" | awk -v l="$(printf ':%04X' "$2")" -v p="$(printf ':%04X' "$3")" '
		substr($2, length($2) - 4) == l && substr($3, length($3) - 4) == p { print $4, $5, $10 }'
}

@test "every TCP state is made, and the kernel lists it so" {
	local state want
	netns
	mk established listen close_wait fin_wait1:rcvbuf=4096,sndbuf=8192 \
		last_ack:rcvbuf=4096,sndbuf=8192 closing:rcvbuf=4096,sndbuf=8192 time_wait \
		close_wait:orphan,label=orphan
	while read -r name want; do
		run row tcp "$(port_of "$name")" "$(port_of "$name" peer)"
		assert_output --regexp "^$want "
	done <<-'END'
		established.client0 01
		established.server0 01
		close_wait.server 08
		close_wait.client 05
		orphan.client 05
		fin_wait1.client 04
		last_ack.client 09
		closing.client 0B
		time_wait.socket 06
	END
	run row tcp "$(port_of listen.listener)" 0
	assert_output --regexp "^0A 00000000:00000000 ${F[listen.listener.inode]}$"
}

@test "the accept queue holds the backlog and one more, the next stays in SYN_SENT" {
	netns
	mk listen:backlog=2,queued=3,syn_sent=1
	run row tcp "$(port_of listen.listener)" 0
	assert_output --regexp '^0A 00000000:00000003 '
	run row tcp "$(port_of listen.syn0)" "$(port_of listen.listener)"
	assert_output --regexp '^02 '
}

@test "deferred connections stay in SYN_RECV" {
	netns
	mk listen:defer=30,syn_recv=2
	run row tcp "$(port_of listen.listener)" "$(port_of listen.half1)"
	assert_output --regexp '^03 '
}

@test "the facts name the descriptor that holds the socket" {
	netns
	mk listen
	run readlink "/proc/${F[listen.listener.pid]}/fd/${F[listen.listener.fd]}"
	assert_output "socket:[${F[listen.listener.inode]}]"
}

@test "a later line makes more sockets, closes and accepts" {
	netns
	mk listen:queued=1
	mk_more accept:of=listen.listener
	assert_equal "${F[accept.accepted0.peer]}" "${F[listen.client0.local]}"
	mk_more close:of=listen.listener
	run row tcp "$(port_of listen.listener)" 0
	assert_output ''
}

@test "what is misspelt is refused" {
	run "$MKSOCK" lisen </dev/null
	assert_failure
	assert_output --partial "there is no scenario 'lisen'"
	run "$MKSOCK" listen:bcklog=3 </dev/null
	assert_failure
	assert_output --partial "unknown parameter 'bcklog'"
}
