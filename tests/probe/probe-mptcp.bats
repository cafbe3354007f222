#!/usr/bin/env bats
# A path that drops SYNs with MPTCP's option: what the kernel makes of it, and what is said.

load ../lib/helpers
load ../lib/probe
load ../lib/remedy

PORT=7443

# The server speaks MPTCP; its firewall drops, or not, what asks for it. The kernel asks without
# the option after so many repetitions.
speaks() { # REPEATS
	skip_unless_root "rules of nft in the server's namespace"
	link
	in_ns sysctl -qw net.mptcp.enabled=1 2>/dev/null || skip 'this kernel has no MPTCP'
	on_server sysctl -qw net.mptcp.enabled=1
	in_ns sysctl -qw net.mptcp.syn_retrans_before_tcp_fallback="$1" 2>/dev/null ||
		skip 'this kernel asks with the option until the end, or after three SYNs only'
	peer mptcp $V4 $PORT
}

drops_option() {
	server_rule input 'tcp flags & (syn | ack) == syn tcp option mptcp exists drop' ||
		skip 'nft does not know this option'
}

# One attempt as JSON: what is asked again for people comes to something else.
asked_once() { # REASON_REGEX ARG...
	probe --json "${@:2}"
	assert_status 0
	assert_valid
	JSON=$output
	assert_equal "$(attempt .outcome)" open
	assert_regex "$(attempt .reason)" "$1"
}

kind() {
	attempt '[.mptcp, .mptcp_fallback, .cause] | map(. // false | tostring) | join(" ")'
}

@test "dropped SYNs with the option: the first answer is to one without it, then MPTCP is left out, until it works as advised" {
	speaks 0
	drops_option
	asked_once "^connected only after [0-9.]+ m?s: 1 SYN with MPTCP's option got no answer, the first without it did; rtt [0-9.]+ ms, fell back to TCP\$" \
		-T "${READY_WITHIN}s" mptcp:$V4:$PORT
	assert_regex "$(kind)" "^false unanswered a firewall on the path drops SYNs with MPTCP's option, or 1 SYN was lost whatever it carried; this host now leaves MPTCP out for 1h00m or longer \(net.mptcp.blackhole_timeout\)\$"
	# Of that time nothing else tells.
	asked_once '^rtt [0-9.]+ ms, fell back to TCP$' mptcp:$V4:$PORT
	assert_regex "$(kind)" "^false left-out this host leaves MPTCP out \(MPCapableSYNTXDisabled\): earlier SYNs with its option got no answer, one without it did; it does so for 1h00m or longer"
	run jq -c 'select(.type == "summary") | .commands' <<<"$JSON"
	assert_output "[\"sysctl -w net.mptcp.blackhole_timeout=3600\",\"sockctl probe mptcp:$V4:$PORT\"]"
	# What is advised shows that it is the option, and that it no longer is.
	obey 'sysctl -w net.mptcp.blackhole_timeout=3600'
	asked_once "with MPTCP's option got no answer" -T "${READY_WITHIN}s" mptcp:$V4:$PORT
	on_server nft flush ruleset
	obey 'sysctl -w net.mptcp.blackhole_timeout=3600'
	asked_once ', MPTCP$' mptcp:$V4:$PORT
	assert_equal "$(kind)" 'true false false'
	assert_equal "$(attempt .syn_retransmits)" 0
}

@test "a time that is too short for a SYN without the option: that it is dropped is one of three" {
	speaks 4
	drops_option
	assert_outcome 4 filtered "^no answer to 1 SYN in .*: a firewall drops them, or only those with MPTCP's option, or the host is down" \
		-T 600ms mptcp:$V4:$PORT
	run jq -c 'select(.type == "summary") | .commands' <<<"$JSON"
	assert_output "[\"sockctl probe $V4:$PORT\"]"
	assert_outcome 0 open '^rtt' $V4:$PORT
	# An address that nobody has is as silent.
	in_ns ip neigh add $NOBODY lladdr 02:00:00:00:00:77 dev up0
	assert_outcome 4 filtered "or only those with MPTCP's option, or the host is down" -T 600ms mptcp:$NOBODY:$PORT
	assert_outcome 4 filtered ': a firewall drops them, or the host is down' -T 600ms $NOBODY:$PORT
}

@test "SYNs without the option that are dropped, too: it is not the option" {
	speaks 0
	server_rule input "tcp dport $PORT drop"
	assert_outcome 4 filtered ': a firewall drops them, or the host is down' -T 1700ms mptcp:$V4:$PORT
	assert_equal "$(attempt .mptcp_fallback)" null
}

@test "a peer that speaks it, one that does not, and a kernel that leaves nothing out: no cause is made up" {
	speaks 0
	server_mk listen:addr=$V4,port=7444,backlog=64
	asked_once ', MPTCP$' mptcp:$V4:$PORT
	assert_equal "$(kind)" 'true false false'
	asked_once '^rtt [0-9.]+ ms, fell back to TCP$' mptcp:$V4:7444
	assert_equal "$(kind)" 'false false false'
	drops_option
	in_ns sysctl -qw net.mptcp.blackhole_timeout=0
	asked_once "with MPTCP's option got no answer" -T "${READY_WITHIN}s" mptcp:$V4:$PORT
	assert_regex "$(kind)" 'or 1 SYN was lost whatever it carried$'
	asked_once "with MPTCP's option got no answer" -T "${READY_WITHIN}s" mptcp:$V4:$PORT
}

# The server keeps the connection, so that only --idle ends it.
met() { # ARG...
	run --separate-stderr in_ns "$SOCKCTL" connect --idle 200ms "$@" </dev/null
}

@test "connect says that the connection is not MPTCP, and why, where the counters tell" {
	speaks 0
	server_mk listen:addr=$V4,port=7444,backlog=64
	met -v "mptcp:$V4:$PORT"
	assert_contains "$stderr" 'connected'
	refute_contains "$stderr" 'fell back'
	met "mptcp:$V4:7444"
	assert_contains "$stderr" "the connection fell back to TCP: the peer's answer has no MPTCP option"
	drops_option
	met --json "mptcp:$V4:$PORT"
	output=$stderr
	assert_valid
	assert_json 'any(.[]; .type == "note" and (.text | test("fell back to TCP: (this host went on without MPTCP: 1 SYN with its option got no answer|a firewall on the path drops)")))'
	met "mptcp:$V4:$PORT"
	assert_contains "$stderr" 'fell back to TCP: this host leaves MPTCP out (MPCapableSYNTXDisabled)'
	met -q "mptcp:$V4:$PORT"
	refute_contains "$stderr" 'fell back'
}
