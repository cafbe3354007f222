#!/usr/bin/env bats
# Datagrams larger than the MTU: one fragment that is lost on the way loses all of it, and the
# counters of this host beside the silence say so.

load ../lib/helpers
load ../lib/probe

BIG=$(printf 'x%.0s' {1..4000})

# The link, and a server of UDP that answers with what it got.
echoing() {
	skip_unless_root 'drops fragments with nft'
	link
	spawn "${SERVER[@]}" "$SOCKCTL" echo -u "$V4:4715"
	probe --wait "${READY_WITHIN}s" -u --send x $V4:4715
	assert_clean
}

# Without the right to open a packet socket.
unprivileged() { # COMMAND ARG...
	run --separate-stderr in_ns setpriv --bounding-set -all --inh-caps -all --no-new-privs "$SOCKCTL" "$@"
}

reason() {
	jq -r 'select(.type == "summary") | .cause // ""' <<<"$output"
}

@test "fragments that the path drops: the ones that were sent stand beside the silence" {
	echoing
	on_server nft -f - <<-'END'
		table inet path {
			chain in {
				type filter hook prerouting priority -450
				ip frag-off & 0x1fff != 0 drop
			}
		}
	END
	probe --json -u --send "$BIG" -T 1500ms $V4:4715
	assert_status 4
	assert_regex "$(reason)" 'while this probe waited, .*this host sent [0-9]+ fragments of packets larger than the MTU \(IpFragCreates\)'
	# What needs no fragments is answered, and nothing is said.
	probe --json -u --send x $V4:4715
	assert_clean
	refute_contains "$output" Frag
	on_server nft delete table inet path
	probe --json -u --send "$BIG" $V4:4715
	assert_clean
	refute_contains "$output" Frag Reasm
}

@test "fragments of the answer that are lost before this host: none that came is an answer it dropped" {
	echoing
	on_server nft -f - 2>/dev/null <<-'END' || skip 'this nft, or the kernel, cannot drop what leaves an interface'
		table netdev path {
			chain out {
				type filter hook egress device down0 priority 0
				ip frag-off & 0x1fff != 0 drop
			}
		}
	END
	in_ns sysctl -qw net.ipv4.ipfrag_time=1
	local run
	for run in probe 'unprivileged probe'; do
		$run --json -u --send "$BIG" -T 2500ms $V4:4715
		assert_status 4
		refute_contains "$output" 'this host drops the answers'
		assert_regex "$(reason)" 'while this probe waited, .*\(IpReasmTimeout\)'
	done
	on_server nft delete table netdev path
	probe --json -u --send "$BIG" $V4:4715
	assert_clean
	refute_contains "$output" Frag Reasm
}
