#!/usr/bin/env bats
# Recorded dumps: what was written is what is read, also what ss wrote, without privilege.

load ../lib/helpers
load ../lib/inspect

setup() {
	dump=$BATS_TEST_TMPDIR/dump
}

# The rows of the last output without what moves by itself.
stable_rows() {
	rows | jq -cS 'del(.waiting, .gave_up, .syn_queue, .listener_addr, .listener_port, .wait_ms, .idle_ms, .close_wait_ms, .time_left_ms, .timer_expires_ms, .longest_wait_ms, .cgroup)' | sort
}

@test "what --record wrote, --from shows, without root and without the namespace" {
	netns
	mk established listen:port=80,queued=1 close_wait established:family=6,label=six udp
	inspect_json -tu
	want=$(stable_rows)
	inspect -tu --json --record "$dump" >/dev/null
	assert_success
	assert test -s "$dump"
	NS=()
	chmod 644 "$dump"
	chmod 755 "$BATS_TEST_TMPDIR"
	inspect_json -tu --from "$dump"
	assert_equal "$(stable_rows)" "$want"
	sockctl_as_user inspect --json -tu --from - <"$dump"
	assert_success
	assert_equal "$(stable_rows)" "$want"
}

@test "a record is of all sockets, however few are shown" {
	local options
	netns
	mk listen established:n=600,quiet
	for options in -q '--limit 1' '--sort local_port --limit 1' '--json --limit 1' --count; do
		# shellcheck disable=SC2086 # options are words
		inspect --no-findings $options --record "$dump"
		assert_success
		inspect --from "$dump" --count
		assert_output 1201
	done
	# A reader that had enough of the rows.
	"${NS[@]}" "$SOCKCTL" inspect --no-findings --json --record "$dump" 2>/dev/null | head -n 1 >/dev/null
	inspect --from "$dump" --count
	assert_output 1201
}

@test "a record can go through a pipe, without the rows" {
	netns
	mk listen:port=80 established
	cd "$BATS_TEST_TMPDIR"
	"${NS[@]}" "$SOCKCTL" inspect -q --record - | "$SOCKCTL" inspect --from - --count >count
	assert_equal "$(<count)" 3
	"${NS[@]}" "$SOCKCTL" inspect --no-findings -O rows --record - | "$SOCKCTL" inspect --from - --count >count
	assert_equal "$(<count)" 3
	assert_equal "$(wc -l <rows)" 4
	inspect --record -
	assert_refused 2 '-q leaves them out, -O FILE puts them elsewhere'
	inspect --count --record - -O -
	assert_refused 2 'stdout'
	inspect -l -H --format raw -o local_port -O -
	assert_clean
	assert_output 80
	refute test -e -
}

@test "unix sockets can be recorded" {
	netns
	mk 'unix_pair:abstract=a\nb' unix_bound:abstract=d,type=dgram
	inspect -x --record "$dump"
	assert_success
	NS=()
	inspect_json -x --from "$dump" -o +path
	assert_row unix_pair.listener path='"@a\nb"' state=LISTEN
	assert_row unix_bound.bound path=@d
}

@test "every column that was recorded can be shown later" {
	netns
	mk established:recv=100
	inspect -o +tcp,memory,congestion --record "$dump"
	assert_success
	NS=()
	inspect_json --from "$dump" -o +rtt,rmem_alloc,congestion,bytes_received
	assert_row established.server0 bytes_received=100
	assert_value established.server0 rtt_us '. > 0'
	assert_value established.server0 rmem_alloc_bytes '. > 0'
}

@test "a record holds every attribute, whatever columns are shown" {
	local columns=rtt,bytes_received,rmem_alloc,mem_rmem,congestion,tos,class_id,v6only,waiting_clients how
	netns
	mk established:recv=100 established:family=6,label=six listen:family=6,label=dual udp \
		unix_pair:abstract=held
	for how in '-o state' --count '--json --limit 1' '-q'; do
		# shellcheck disable=SC2086 # options are words
		inspect -tux --no-findings $how --record "$dump"
		assert_success
		inspect_json -tux --from "$dump" -o "$columns"
		assert_row established.server0 bytes_received=100 tos=0
		assert_value established.server0 rtt_us '. > 0'
		assert_value established.server0 rmem_alloc_bytes '. > 0'
		assert_value established.server0 mem_rmem_bytes '. > 0'
		assert_value established.server0 congestion 'length > 0'
		assert_value six.server0 class_id '. != null'
		assert_value dual.listener v6only '. != null'
		assert_value udp.server rmem_alloc_bytes '. != null'
		assert_value unix_pair.listener waiting_clients '. != null'
	done
}

@test "ss reads the listeners of a record, as the manual says" {
	netns
	mk listen:port=80 established udp unix_bound:abstract=d
	inspect -tux -q --record "$dump"
	assert_success
	TCPDIAG_FILE=$dump run -0 ss -tanH
	assert_regex "$output" '^LISTEN .*:80 '
	refute_regex "$output" ESTAB
}

# What the rows of the last output say of accept queues; times were read twice, a tick apart.
queue_facts() {
	rows | jq -c 'select(.unaccepted or (.accept_queue // 0) > 0) |
		[.cookie, .waiting, .gave_up, .syn_queue, (.longest_wait_ms | type), (.wait_ms | type), .listener_port, .drops]' | sort
}

@test "who waits in whose queue is told from the record" {
	netns
	mk listen:port=80,queued=2,rst=1 listen:port=81,label=calm \
		listen:port=82,defer=30,syn_recv=2,label=half group:reuseport,n=2,clients=2
	inspect_json --record "$dump"
	want=$(queue_facts)
	NS=()
	inspect_json --from "$dump"
	assert_equal "$(queue_facts)" "$want"
	assert_row listen.listener waiting=2 gave_up=1 syn_queue=0
	assert_row calm.listener waiting=0 gave_up=0 longest_wait_ms=0
	assert_row half.listener waiting=0 syn_queue=2
	inspect --from "$dump" --no-headings --format raw -o local_port,listener unaccepted and sport = :80
	assert_output "$(printf '80\t127.0.0.1:80\n80\t127.0.0.1:80')"
	# Listeners come first, as they do live.
	inspect --from "$dump" --port 80 -H --format raw -o state,waiting
	assert_line --index 0 "$(printf 'LISTEN\t2')"
}

@test "who waits in whose queue, from what ss wrote: a queue that was read once is not compared" {
	netns
	mk listen:port=80,queued=2,rst=1 listen:port=81,queued=1,label=whole
	in_ns ss -a -t -i -D "$dump" >/dev/null
	NS=()
	inspect_json --from "$dump"
	assert_row listen.listener waiting=2 gave_up=null
	assert_row whole.listener waiting=1 gave_up=0
	assert_value listen.listener longest_wait_ms '. >= 0'
}

@test "--from filters, sorts and counts as a live dump does" {
	netns
	mk listen:port=80 listen:port=443,label=b established
	inspect --record "$dump"
	NS=()
	assert_matches --from "$dump" 'sport = 80' -- listen.listener
	assert_matches --from "$dump" --listen -- listen.listener b.listener
	inspect --from "$dump" --count
	assert_output 4
	inspect --from "$dump" --listen --format raw -H -o local_port --sort local_port:desc
	assert_output "$(printf '443\n80')"
	inspect --from "$dump" --port 7
	assert_equal "$status" 1
}

@test "what ss -D wrote is read: IPv4, then IPv6" {
	netns
	mk established listen:port=80 established:family=6,label=six listen:family=dual,label=dual
	in_ns ss -a -t -D "$dump" >/dev/null
	[[ -s $dump ]] || fail "ss wrote nothing"
	NS=()
	assert_matches --from "$dump" -- established.client0 established.server0 listen.listener \
		six.client0 six.server0 dual.listener
	inspect --from - --json <"$dump"
	assert_clean
	assert_equal "$(count_rows)" 6
}

@test "a recorded dump names no owners and says so" {
	netns
	mk listen:port=80
	inspect --record "$dump"
	NS=()
	inspect_table -p --from "$dump"
	assert_refused 2 'a recorded dump does not say which processes'
	for expression in 'process = mksock' 'sport = 80 or pid = 1' 'peer_pid = 1' reuseaddr; do
		inspect_table --from "$dump" "$expression"
		assert_refused 2 'a recorded dump does not say which processes'
	done
	inspect_table --from "$dump" --fail-if 'count(process = mksock) = 0'
	assert_refused 2 'a recorded dump does not say which processes'
}

@test "a file that is not there, not readable, or a directory" {
	inspect --from "$BATS_TEST_TMPDIR/none"
	assert_refused 3 'none: No such file'
	inspect --from "$BATS_TEST_TMPDIR"
	assert_refused 3 'directory'
	inspect --record "$BATS_TEST_TMPDIR/none/x"
	assert_refused 3 'none/x'
	inspect --record /dev/full
	assert_refused 3 'No space left'
}

@test "an empty file holds no sockets" {
	: >"$dump"
	inspect --from "$dump"
	assert_equal "$status" 1
	inspect --from "$dump" --json
	assert_output '{"v":1,"type":"end","rows":0,"complete":true}'
}

@test "what is no dump is refused" {
	echo "State Recv-Q Send-Q Local Address:Port" >"$dump"
	inspect --from "$dump"
	assert_equal "$status" 3
	assert test -n "$stderr"
}

# A message of netlink: TYPE FLAGS [BYTES of payload, as for printf].
message() {
	local payload length
	payload=$(printf "${3-}" | od -An -v -tx1 | tr -d ' \n')
	length=$((16 + ${#payload} / 2))
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$(printf '\\x%02x\\x00\\x00\\x00\\x%02x\\x00\\x%02x\\x00' "$length" "$1" "$2")"
	printf '\0\0\0\0\0\0\0\0'
	# shellcheck disable=SC2059
	printf "${3-}"
}

# The only note of a record that is not complete; people get it too.
incomplete() { # ID TEXT
	inspect --json --allow-empty --from "$dump"
	((status == 3)) || fail "exit $status"
	assert_equal "$(jq -r 'select(.type == "note").id' <<<"$output")" "$1"
	assert_equal "$(jq -r 'select(.type == "end").complete' <<<"$output")" false
	[[ $stderr == *"$2"* ]] || fail "$stderr"
}

@test "a dump that was incomplete when it was recorded is so when it is read" {
	message 3 0 '\xfc\xff\xff\xff' >"$dump"
	incomplete incomplete-dump 'could not be read when it was made: Interrupted'
	message 3 0 '\x97\xff\xff\xff' >"$dump"
	incomplete incomplete-dump 'could not be read when it was made: No buffer space'
	message 3 16 '\0\0\0\0' >"$dump"
	incomplete incomplete-dump 'Interrupted'
	message 20 16 '\x02\0\0\0' >"$dump"
	incomplete incomplete-dump 'Interrupted'
	message 3 0 '\0\0\0\0' >"$dump"
	inspect --json --allow-empty --from "$dump"
	assert_success
}

@test "a socket of another family than its section is no row" {
	local zeros
	zeros=$(printf '\\0%.0s' {1..71})
	message 1 0 'sockctl\0\2\0\0\0' >"$dump"
	message 20 0 "\\2$zeros" >>"$dump"
	incomplete broken-record 'among those of unix'
	assert_equal "$(jq -r 'select(.type == "end").rows' <<<"$output")" 0
}
