#!/usr/bin/env bats
# Every column compares: what a row shows is found by the filter that asks for it, and what
# cannot be is refused.

load ../lib/helpers
load ../lib/inspect
load ../lib/endpoint

# A field, the filter that asks for what the first row with a value shows, and that row.
questions() {
	local fields
	fields=$("$SOCKCTL" porcelain fields | cut -f 1,4 | jq -R 'split("\t") | {name: .[0], key: (if .[1] == "" then .[0] else .[1] end)}' | jq -sc .)
	jq -sr --argjson fields "$fields" '
		map(select(.type == "socket")) as $rows | $fields[] | . as $f |
		[$rows[] | select(.[$f.key] != null and .[$f.key] != [])][0] as $row | select($row) |
		($row[$f.key] | if type == "array" then .[0] else . end | if type == "object" then .command else . end) as $v |
		(if ($v | type) == "boolean" then (if $v then "yes" else "no" end)
			elif ($f.key | endswith("_ms")) then "\($v)ms"
			elif ($f.key | endswith("_us")) then "\($v)us"
			elif ($v | type) == "string" then "\"\($v)\""
			else "\($v)" end) as $literal |
		"\($f.name)\t\($f.name) = \($literal)\t\($row.cookie)"'
}

@test "what a column shows is found by a filter with that value" {
	local dump=$BATS_TEST_TMPDIR/dump columns field filter cookie compared=0 wrong=0
	netns
	mk listen:port=80,queued=3,backlog=4 listen:family=6,port=443 established:port=8000,recv=10 \
		established:family=6,port=8001,quiet close_wait:port=9000 udp:queued=2 \
		unix_pair:path="$BATS_TEST_TMPDIR/s" unix_listen:abstract=a,queued=1
	columns=$("$SOCKCTL" porcelain fields | awk -F '\t' '$3 != "sockopts" && $1 !~ /process|pid$|^fd$|^bpf_value$/ { print $1 }' | paste -sd,)
	inspect -tux --json --record "$dump" -o "$columns"
	assert_status 0
	inspect -tux --json --from "$dump" -o "$columns"
	assert_status 0
	while IFS=$'\t' read -r field filter cookie; do
		run "$SOCKCTL" inspect -tux --json --from "$dump" "$filter"
		compared=$((compared + 1))
		[[ $status == 0 && $output == *"\"cookie\":\"$cookie\""* ]] && continue
		echo "$filter does not find $cookie: status $status: ${output:0:300}" >&2
		wrong=$((wrong + 1))
	done < <(questions <<<"$output")
	assert_equal "$wrong" 0
	assert_int "$compared" -ge 90
}

@test "owners and their options compare, too" {
	local field filter cookie columns=process,pid,fd,peer_process,peer_pid,sockopts
	netns
	mk listen:port=80 established:port=8000
	inspect --json -o "$columns" established
	assert_status 0
	while IFS=$'\t' read -r field filter cookie; do
		[[ $field =~ process|pid$|^fd$|keepalive|rcvlowat|sndbuf_opt|nonblock ]] || continue
		run in_ns "$SOCKCTL" inspect --json "$filter"
		assert_status 0
		assert_contains "$output" "\"cookie\":\"$cookie\""
	done < <(questions <<<"$output")
}

@test "queue compares as accept_queue, with % as fill" {
	netns
	mk listen:port=80,backlog=3,queued=2,label=half listen:port=81,backlog=8,label=empty
	assert_matches 'queue = 2' -- half.listener
	assert_matches 'queue > 0' -- half.listener
	assert_matches 'queue >= 0' -- empty.listener half.listener
	assert_matches 'queue in (0,7-9)' -- empty.listener
	assert_matches 'not queue > 0 and state = listen' -- empty.listener
	assert_matches 'queue >= 50%' -- half.listener
	assert_matches 'queue > 50%' --
	assert_matches 'fill >= 50%' -- half.listener
	assert_matches 'fill >= 50' -- half.listener
	inspect --fail-if 'queue >= 2'
	assert_status 1
	inspect --fail-if 'queue > 2'
	assert_status 0
	inspect 'queue in (2,50%)'
	assert_refused 2 'cannot be mixed'
	inspect 'queue > x'
	assert_refused 2 "'x' is not"
}

@test "a word that a column never shows is refused" {
	local filter
	netns
	for filter in 'shutdown = foo' 'shutdown in (recv,sent)' 'tls_version = 1.4' 'tls_cipher = aes' \
		'tls_tx = hardware' 'tls_rx = kernel' 'timer = tick' 'ca_state = fine' 'proto = sctp6' 'family = ipx'; do
		inspect "$filter"
		assert_refused 2 'is not a'
		inspect --fail-if "$filter"
		assert_refused 2 'is not a'
	done
	assert_contains "$stderr" 'inet, inet6, unix'
	for filter in 'shutdown = BOTH' 'shutdown ~ "b*"' 'tls_version = 1.3' 'tls_cipher in (aes-gcm-128,4711)' 'tls_tx = device-record'; do
		inspect --allow-empty "$filter"
		assert_status 0
		assert_equal "$stderr" ''
	done
}

@test "an interface that is not there is refused, but where it may yet come or is another host's" {
	netns
	in_ns ip link add table0 type veth peer name other9
	in_ns ip link set table0 up
	mk listen:port=80
	inspect 'dev tabl0'
	assert_refused 2 "no interface 'tabl0'"
	assert_contains "$stderr" "did you mean 'table0'"
	inspect 'device != wlan7'
	assert_refused 2 "no interface 'wlan7'"
	inspect --fail-if 'dev wlan7'
	assert_refused 2 "no interface 'wlan7'"
	inspect --allow-empty 'dev table0 or device ~ "wlan*" or dev 4711'
	assert_status 0
	inspect --record "$BATS_TEST_TMPDIR/dump"
	run "$SOCKCTL" inspect --from "$BATS_TEST_TMPDIR/dump" --allow-empty 'dev wlan7'
	assert_status 0
	inspect --wait 5ms 'dev wlan7'
	assert_status 4
	inspect --wait 20s --until-gone 'dev wlan7'
	assert_status 0
}

@test "an interface that comes while it is waited for is found" {
	netns
	skip_unless_root "interfaces are made and sockets are bound to them"
	in_ns ip link add table0 type veth peer name other9
	serve listen --option interface=table0 :8080
	spawn "${NS[@]}" "$SOCKCTL" inspect --json --wait 60s 'dev late0'
	in_ns ip link set table0 name late0
	await_end "$PID" 0
}

@test "figures that a SYN alone does not give are absent, whatever the kernel counts from" {
	netns
	mk listen:port=80,backlog=0,queued=1,syn_sent=1
	inspect --json -o last_data_sent,last_data_recv,last_ack_sent,last_ack_recv,rtt,rttvar,rto 'state = syn-sent'
	assert_status 0
	assert_json 'map(select(.type == "socket")) | length == 1 and (.[0] |
		.last_data_sent_ms == null and .last_data_recv_ms == null and .last_ack_sent_ms == null and
		.last_ack_recv_ms == null and .rtt_us == null and .rttvar_us == null and .rto_us > 0)'
	inspect --json 'state = syn-sent and (last_data_recv >= 0 or last_ack_recv >= 0 or last_data_sent >= 0)'
	assert_status 1
	inspect --json -o last_data_sent,last_data_recv,last_ack_recv 'state = established'
	assert_json '[.[] | select(.type == "socket" and .inode != 0)] | length > 0 and
		all(.last_data_sent_ms < 3600000 and .last_data_recv_ms < 3600000 and .last_ack_recv_ms < 3600000)'
}

@test "--group and --sort take an IPv4 address for one, mapped or not" {
	netns
	mk listen:family=dual,port=80 listen:port=81 established:family=mapped,port=8000 established:port=8001
	inspect --format raw --group peer_addr established
	assert_line '127.0.0.1	4'
	refute_contains "$output" ffff
	inspect --json --group local_addr established
	assert_json '.[0] | .value == "127.0.0.1" and .count == 4'
	inspect --format raw -H -o peer --sort peer established
	assert_equal "$output" "$(sort -t: -k2n <<<"$output")"
}

@test "--summary shows what was asked for and is not there as 0" {
	netns
	inspect --summary
	assert_status 0
	assert_output --regexp '^tcp +0$'
	inspect -tu --summary --format raw
	assert_output $'tcp\t0\nudp\t0'
	inspect -tux --summary --json 'sport = 1'
	assert_json 'map(select(.type == "summary")) | map(.proto) == ["tcp","udp","unix","unix-dgram","unix-seqpacket"] and
		all(.count == 0 and .states == {})'
}

@test "the end says that --limit left rows out, and counts the verdicts of --bindable" {
	netns
	mk listen:port=80 listen:port=81
	inspect --json --limit 1
	assert_status 0
	assert_json '.[-1] == {v: 1, type: "end", rows: 1, complete: false, limited: true}'
	inspect --json --limit 1 --sort local_port:desc
	assert_json '.[-1].limited and (.[-1].complete | not) and .[0].local_port == 81'
	inspect --json --limit 2
	assert_json '.[-1] == {v: 1, type: "end", rows: 2, complete: true}'
	inspect --json --group local_port --limit 1
	assert_json '.[-1].limited and (.[-1].complete | not)'
	inspect --json --bindable 127.0.0.1:80,8080
	assert_status 1
	assert_json 'length == 3 and .[-1] == {v: 1, type: "end", rows: 2, complete: true}'
}

@test "an unknown verdict of --bindable is no complete answer" {
	netns
	mk time_wait:port=80,server
	inspect --json --bindable 127.0.0.1:80 --reuseaddr
	assert_json '(.[0].bindable == null) == (.[-1].complete | not) and .[-1].rows == 1'
}
