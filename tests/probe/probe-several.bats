#!/usr/bin/env bats
# Several hosts at once: silent ones do not add up, what is told keeps the order of the arguments,
# and neither a host nor this one is asked more of than by one scan.

load ../lib/helpers
load ../lib/probe

HOSTS=10.99.0 # .11, .12 ... are addresses of the server

# Addresses of the server whose SYNs are counted, and dropped where the name says so.
counted() { # NAME=drop|accept...: NAME is the last byte of the address
	local one
	{
		echo 'table inet counted {'
		for one; do echo "counter c${one%=*} { }"; done
		echo 'chain c { type filter hook prerouting priority -300;'
		for one; do
			echo "ip daddr $HOSTS.${one%=*} tcp flags syn / syn,ack counter name c${one%=*} ${one#*=};"
		done
		printf '}\n}\n'
	} | on_server nft -f -
	for one; do on_server ip addr add "$HOSTS.${one%=*}/24" dev down0; done
}

syns() { # NAME
	on_server nft -j list counter inet counted "c$1" | jq '.nftables[] | .counter? // empty | .packets'
}

have_syns() { # NAME N
	(($(syns "$1") >= $2))
}

# A probe that goes on beside the test; what it tells is in SAID. Sets PID.
begin_probe() { # ARG...
	SAID=$BATS_TEST_TMPDIR/said
	SAID=$SAID spawn "${NS[@]}" sh -c 'exec "$@" >"$SAID"' sh "$SOCKCTL" probe --json "$@"
}

# The summaries in their order: the host's last byte and the outcome.
told() {
	jq -rs 'map(select(.type == "summary") | "\(.addr | split(".")[-1]) \(.outcome)") | join(", ")' <<<"$output"
}

@test "a host is asked while those before it are silent; each tells in its turn" {
	link
	counted 11=drop 12=drop 13=accept
	server_mk listen:addr=$HOSTS.13,port=80,backlog=64
	# Nobody would live to see the end of one after the other.
	begin_probe -T 1h $HOSTS.11:1-20 $HOSTS.12:1-20 $HOSTS.13:70-90 $HOSTS.12:80
	local pid=$PID
	until_true have_syns 11 20
	until_true have_syns 12 21
	until_true have_syns 13 21
	kill -TERM "$pid"
	await_end "$pid" 143
	output=$(<"$SAID")
	assert_equal "$(told)" '11 not-asked, 12 not-asked, 13 open'
	assert_valid
}

@test "the order is that of the arguments, whoever is first" {
	link
	counted 11=drop 12=accept 13=drop 14=accept
	server_mk listen:addr=$HOSTS.12,port=80,backlog=64 listen:addr=$HOSTS.14,port=85,backlog=64,label=b
	probe --json -T 1s $HOSTS.11:70-90 $HOSTS.12:70-90 $HOSTS.13:70-90 $HOSTS.14:70-90
	assert_status 4
	assert_equal "$(told)" '11 filtered, 12 open, 13 filtered, 14 open'
	assert_equal "$(open_ports)" '80 85'
	assert_valid
	# What belongs together stands together.
	assert_equal "$(jq -r .target <<<"$output" | uniq | tr '\n' ' ')" \
		"$HOSTS.11:70-90 $HOSTS.12:70-90 $HOSTS.13:70-90 $HOSTS.14:70-90 "
	probe -T 1s $HOSTS.11:70-90 $HOSTS.12:70-90
	assert_status 4
	assert_equal "$(sed -E 's/[:;].*//' <<<"$output" | uniq | tr '\n' ' ')" "$HOSTS.11 $HOSTS.12 "
}

@test "SYNs and datagrams side by side, too" {
	link
	counted 11=drop 12=drop
	local pid
	begin_probe --syn -T 1h $HOSTS.11:1-20 $HOSTS.12:1-20
	pid=$PID
	until_true have_syns 11 20
	until_true have_syns 12 20
	kill -INT "$pid"
	await_end "$pid" 130
	on_server nft -f - <<-END
		table inet sent {
			counter c { }
			chain c {
				type filter hook prerouting priority 0;
				ip daddr $HOSTS.12 meta l4proto udp counter name c
				meta l4proto udp drop
			}
		}
	END
	begin_probe -T 1h udp:$HOSTS.11:1-20 udp:$HOSTS.12:1-20
	pid=$PID
	have_datagrams() {
		(($(on_server nft -j list counter inet sent c | jq '.nftables[] | .counter? // empty | .packets') >= 20))
	}
	until_true have_datagrams
	kill -INT "$pid"
	await_end "$pid" 130
}

@test "one address is scanned once at a time, however often it is there" {
	link
	counted 11=drop 12=drop
	begin_probe -T 1h $HOSTS.11:1-20 $HOSTS.11:21-40 "[::ffff:$HOSTS.11]:41-60" \
		$HOSTS.12:1-20
	local pid=$PID
	until_true have_syns 12 20
	until_true have_syns 11 20
	# All of one scan, some of them sent again; none of the others.
	assert_equal "$(in_ns ss -Htn state syn-sent dst $HOSTS.11 | wc -l)" 20
	kill -INT "$pid"
	await_end "$pid" 130
	output=$(<"$SAID")
	assert_equal "$(told)" '11 not-asked, 12 not-asked'
}

@test "--parallel and --rate are those of all together" {
	link
	counted 11=drop 12=drop 13=drop
	begin_probe -T 1h --parallel 10 $HOSTS.11:1-20 $HOSTS.12:1-20 $HOSTS.13:1-20 \
		$HOSTS.13:80
	local pid=$PID n i
	# The one that is asked alone is one of the ten; the others are shared.
	until_true have_syns 13 1
	syn_sent() { in_ns ss -Htn state syn-sent | wc -l; }
	ten() { (($(syn_sent) >= 10)); }
	until_true ten
	for ((i = 0; i < 20; i++)); do
		n=$(syn_sent)
		assert_int "$n" -le 10
	done
	kill -INT "$pid"
	await_end "$pid" 130
	# So many in so long: a second's worth, and what may be made up for.
	probe --json -T 100ms --rate 100 $HOSTS.11:1-100 $HOSTS.12:1-100
	assert_status 4
	assert_json 'map(select(.type == "summary").duration_us) | max >= 1900000'
}

@test "what has to wait for its turn is bounded: who has too much to tell pauses" {
	skip_unless_root
	link
	counted 11=drop 12=accept
	peer reset $HOSTS.12 1
	on_server nft -f - <<-END
		table ip one {
			chain c {
				type nat hook prerouting priority -100;
				ip daddr $HOSTS.12 tcp dport 2-30000 dnat to $HOSTS.12:1
			}
		}
	END
	begin_probe -T 1h $HOSTS.11:1-20 $HOSTS.12:1-30000
	local pid=$PID before=-1 now
	until_true have_syns 11 20
	stands_still() {
		now=$(syns 12)
		((now > 1000 && now == before)) && return
		before=$now
		nap 0.5
		return 1
	}
	until_true stands_still
	assert_int "$now" -lt 30000
	assert_equal "$(<"$SAID")" ''
	# The first is silent no more, and the second goes on.
	on_server nft flush chain inet counted c
	await_end "$pid" 1
	output=$(<"$SAID")
	assert_equal "$(told)" '11 refused, 12 open'
	# The server resets, too, and is the first now and then.
	assert_json '.[-1].outcomes | .open > 1000 and .open + .["reset-after-accept"] == 30000'
}

@test "a refusal is said once, whatever the number of hosts" {
	netns
	probe --source 192.0.2.1 127.0.0.1:1-20 127.0.0.2:1-20 127.0.0.3:1-20
	assert_refused 3 'bind 192.0.2.1'
	assert_equal "$(grep -c 192.0.2.1 <<<"$stderr")" 1
}

@test "a name without an address has its place between the scans" {
	skip_unless_mounts "a resolv.conf of its own"
	link
	peer nxdomain $V4 53
	mk listen:addr=127.0.0.1,port=80,backlog=64
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --json \
		127.0.0.1:70-90 some.test:70-90 127.0.0.2:70-90
	assert_status 5
	assert_equal "$(jq -rs 'map(select(.type == "summary").outcome) | join(" ")' <<<"$output")" 'open no-name refused'
}
