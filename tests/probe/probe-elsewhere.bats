#!/usr/bin/env bats
# UDP answers that come from another address or port than the one that was asked: a client whose
# socket is connected never gets them, so the target is not open, and who answered is told.

load ../lib/helpers
load ../lib/probe

# A server on each of ADDRESSES that answers from FROM, an address and port of its own; "same"
# is a healthy one.
answers_from() { # FROM PORT ADDRESS...
	spawn "${SERVER[@]}" python3 -c '
import select, socket, sys
family = lambda a: socket.AF_INET6 if ":" in a else socket.AF_INET
def bound(a, port):
    s = socket.socket(family(a), socket.SOCK_DGRAM)
    if family(a) == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((a, port))
    return s
out = None if sys.argv[1] == "same" else bound(sys.argv[1], int(sys.argv[2]))
asked = [bound(a, 53) for a in sys.argv[3:]]
print("ready", flush=True)
while True:
    for s in select.select(asked, [], [])[0]:
        data, who = s.recvfrom(2048)
        (out or s).sendto(b"answer", who)
' "$@"
	await_line '^ready$'
}

assert_elsewhere() { # FROM_REGEX WHAT ARG...
	local from=$1 what=$2
	shift 2
	assert_outcome 1 unexpected \
		"^an answer came from $from, another $what, and none from the one that was asked: a client whose socket is connected never gets it" \
		-T 900ms "$@"
}

# One datagram is sent, the end is told, and stdout stays empty.
assert_connect_elsewhere() { # CODE FROM_REGEX ARG...
	local code=$1 sentence="an answer came from $2, and none from the one that was asked: "
	shift 2
	in_ns nft -f - <<-'END'
		table inet t_asked; delete table inet t_asked
		table inet t_asked {
			counter asked { }
			chain c { type filter hook output priority 0; udp dport 53 counter name asked; }
		}
	END
	sockctl connect --json --send hello "$@"
	assert_status "$code"
	assert_output ''
	assert_valid "$stderr"
	assert_json_in "$stderr" 'map(select(.causes)) | length == 1 and (.[0] | .id == "answered-elsewhere" and (.summary | test($is)))' --arg is "$sentence"
	sockctl connect --send hello "$@"
	assert_status "$code"
	assert_regex "$stderr" "answered-elsewhere +$sentence"
}

asked() {
	in_ns nft -j list counter inet t_asked asked | jq '.nftables[] | .counter? // empty | .packets'
}

assert_connect_answered() { # ARG...
	sockctl connect --json --send hello --expect answer "$@"
	assert_status 0
	assert_output answer
	refute_contains "$stderr" elsewhere
}

@test "a server that answers from its other address is not open, and its address is told" {
	link
	on_server ip address add 10.99.0.3/24 dev down0
	answers_from 10.99.0.3 53 $V4
	assert_elsewhere '10.99.0.3:53' address udp:$V4:53
	assert_equal "$(attempt .answered_from)" 10.99.0.3
	assert_equal "$(attempt .answered_from_port)" 53
	assert_equal "$(attempt .local_addr)" 10.99.0.1
	assert_elsewhere '10.99.0.3:53' address --send hello --expect answer udp:$V4:53
	assert_elsewhere '10.99.0.3:53' address --source 10.99.0.1:4000 udp:$V4:53
	assert_equal "$(attempt .local_port)" 4000
	# A client that connects its socket gets nothing, as the sentence has it.
	assert_connect_elsewhere 4 "10.99.0.3:53, another address" --expect answer -I 500ms udp:$V4:53
	assert_connect_elsewhere 0 "10.99.0.3:53, another address" --source 10.99.0.1:4002 udp:$V4:53
	assert_equal "$(asked)" 2
	# As it is advised: the server binds the address that clients ask.
	kill "$PID"
	await_end "$PID" 143
	answers_from same 0 $V4
	assert_connect_answered udp:$V4:53
}

@test "the same over IPv6, and from another port of the same address" {
	link
	on_server ip address add fd99::3/64 dev down0 nodad
	answers_from fd99::3 53 "$V6"
	assert_elsewhere '\[fd99::3\]:53' address "udp:[$V6]:53"
	assert_connect_elsewhere 0 '\[fd99::3\]:53, another address' "udp:[$V6]:53"
	answers_from $V4 1053 $V4
	assert_elsewhere "$V4:1053" port udp:$V4:53
	assert_connect_elsewhere 0 "$V4:1053, another port" udp:$V4:53
}

@test "a healthy server is open: its own address counts, whoever else speaks" {
	link
	local to
	on_server ip address add 10.99.0.3/24 dev down0
	answers_from same 0 $V4 10.99.0.3 "$V6"
	assert_outcome 0 open answered udp:$V4:53
	assert_equal "$(attempt .answered_from)" null
	assert_outcome 0 open answered udp:10.99.0.3:53
	assert_outcome 0 open answered "udp:[$V6]:53"
	assert_outcome 0 open answered --send hello --expect answer udp:$V4:53
	for to in $V4 10.99.0.3 "[$V6]"; do
		assert_connect_answered "udp:$to:53"
	done
	probe --source 10.99.0.1:4001 --json udp:$V4:53
	assert_status 0
	assert_equal "$(jq -r 'select(.type == "attempt").local_port' <<<"$output")" 4001
}

@test "ICMP errors are seen as before: refused, prohibited, and a socket that is bound to a device" {
	link
	assert_outcome 1 refused-icmp "port unreachable \\(3/3\\) from $V4" udp:$V4:53
	assert_outcome 1 refused-icmp "port unreachable \\(1/4\\) from $V6" "udp:[$V6]:53"
	assert_outcome 1 refused-icmp 'port unreachable' --interface up0 udp:$V4:53
	assert_outcome 1 refused-icmp 'port unreachable' udp:0.0.0.0:53
	server_rule input udp dport 54 reject with icmpx admin-prohibited
	assert_outcome 1 rejected "administratively prohibited \\(3/13\\) from $V4" udp:$V4:54
	assert_outcome 1 rejected "administratively prohibited \\(1/1\\) from $V6" "udp:[$V6]:54"
}
