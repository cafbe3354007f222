#!/usr/bin/env bats
# Recorded dumps: what was written is what is read, also what ss wrote, without privilege.

load ../lib/helpers
load ../lib/inspect
load ../lib/endpoint

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

# State, local and peer address of each TCP socket, as ss shows a record and as we do.
tcp_as_ss() { # OPTIONS of ss
	TCPDIAG_FILE=$dump run -0 ss -Hn "$@"
	assert_equal "$stderr" ''
	ss_rows=$(grep -E '^[A-Z]' <<<"$output" | awk '{ print $1, $4, $5 }' | sed 's/^\(SYN-RECV\|ESTAB\) /\1 /' | sort)
}

tcp_as_ours() {
	inspect --from "$dump" -H --format raw -o state,local,peer
	our_rows=$(sed 's/^ESTABLISHED/ESTAB/; s/^SYN_RECV/SYN-RECV/; s/^CLOSE_WAIT/CLOSE-WAIT/; s/^FIN_WAIT/FIN-WAIT-/; s/^TIME_WAIT/TIME-WAIT/' <<<"$output" |
		awk '{ if (NF < 3) $3 = ($2 ~ /^\[/ ? "[::]:*" : "0.0.0.0:*"); print $1, $2, $3 }' | sort)
}

@test "ss shows the TCP sockets of a record that we show" {
	local options
	netns
	mk listen:port=80,queued=2,rst=1 listen:port=82,defer=30,syn_recv=2,label=half \
		established close_wait time_wait bound udp unix_bound:abstract=d group:reuseport,n=2,clients=2 \
		established:family=6,label=six
	inspect -tux -q --record "$dump"
	assert_success
	tcp_as_ours
	assert_regex "$our_rows" LISTEN
	assert_regex "$our_rows" ESTAB
	assert_regex "$our_rows" TIME-WAIT
	for options in -tan -ta -tapeim -taeo --tcp; do
		tcp_as_ss "$options"
		assert_equal "$ss_rows" "$our_rows"
	done
}

@test "a record of few sockets has all that there are: options choose what is shown" {
	netns
	mk listen:port=80 established udp established:family=6,label=six bound
	inspect -tu -q --record "$dump" -l -4 'sport = :80'
	assert_success
	inspect_json --from "$dump" -tu
	assert_row listen.listener state=LISTEN
	assert_row established.client0 state=ESTABLISHED
	assert_row six.client0 state=ESTABLISHED
	assert_row udp.server proto=udp
	inspect_json --from "$dump" --state bound-inactive
	assert_row bound.bound state=BOUND_INACTIVE
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

@test "a record says who held the sockets, without them, /proc and privilege" {
	local pid
	netns
	mk listen:port=80,queued=1 established udp unix_bound:abstract=d
	pid=$MK_PID
	inspect_json -tux -p
	want=$(rows | jq -cS '[.cookie, .processes]' | sort)
	inspect -tux -q --record "$dump"
	assert_success
	kill "$pid"
	await_end "$pid" 143
	NS=()
	inspect_json -tux --from "$dump" -p
	assert_equal "$(rows | jq -cS '[.cookie, .processes]' | sort)" "$want"
	assert_matches --from "$dump" --process 'mk*' -- listen.listener listen.client0 established.client0 established.server0
	inspect --from "$dump" --pid "${F[listen.listener.pid]}" --count
	assert_output 4
	inspect --from "$dump" -q --process nginx
	assert_equal "$status" 1
	inspect --from "$dump" --fail-if 'process = mksock'
	assert_equal "$status" 1
	inspect --from "$dump" --fail-if 'process = nginx'
	assert_equal "$status" 0
	inspect --from "$dump" --group process -H
	assert_line --regexp '^mksock\[[0-9]+\] +4$'
	inspect --from "$dump" -H --format raw -o local_port,peer_process 'sport = :80 and established'
	assert_output --regexp "^80	mksock\[${F[listen.listener.pid]}\]"
	chmod 644 "$dump"
	sockctl_as_user inspect --from - --fail-if 'process = mksock' -q <"$dump"
	assert_equal "$status" 1
}

@test "what was hidden when it was recorded is unknown when it is read, with the reason of then" {
	skip_unless_root
	netns
	mk listen:port=80
	# An ordinary user may not read the processes of root.
	as_user "$SOCKCTL" inspect -q --record - >"$dump"
	NS=()
	inspect --from "$dump" -q --process mksock
	assert_equal "$status" 3
	assert_regex "$stderr" "mksock.[0-9]+. could not be read when this was recorded"
	refute_regex "$stderr" 'try sudo|CAP_'
	inspect --from "$dump" --fail-if 'process = mksock'
	assert_equal "$status" 3
	# The names of the processes were no secret: none of this one.
	inspect --from "$dump" --fail-if 'process = no-such-name'
	assert_equal "$status" 0
	inspect --from "$dump" --json -p
	assert_equal "$(jq -r 'select(.type == "socket").processes_unknown' <<<"$output")" no-permission
}

@test "names are those of the recording, not those of this machine" {
	skip_unless_root
	netns
	in_ns ip link add elsewhere type veth peer name other
	in_ns ip link set elsewhere up
	in_ns ip link set other up
	in_ns ip addr add fe80::5/64 dev elsewhere nodad
	mk listen:port=80
	serve listen '[fe80::5%elsewhere]:81'
	index=$(in_ns ip -o link show dev elsewhere | cut -d: -f1)
	inspect -q --record "$dump"
	assert_success
	NS=()
	inspect_json --from "$dump" -o user,device
	assert_value listen.listener user '. == "root"'
	assert_json 'map(select(.local_port == 81)) | .[0] | [.local_addr, .device] == ["fe80::5%'"$index"'", "elsewhere"]'
	inspect --from "$dump" -H --format raw -o local_port 'dev = elsewhere'
	assert_output 81
	inspect --from "$dump" -H --format raw -o local_port "src [fe80::5%$index]"
	assert_output 81
	inspect --from "$dump" --user root -q
	assert_equal "$status" 0
	inspect --from "$dump" --user nobody-else -q
	assert_equal "$status" 1
	inspect --from "$dump" -q 'src [fe80::5%elsewhere]'
	assert_refused 2 'other numbers'
	inspect --from "$dump" -q autobound
	assert_refused 2 'which ports the kernel drew from'
}

@test "a record says where and when it was made" {
	netns
	mk listen:port=80
	inspect -q --record "$dump"
	netns=$(in_ns stat -Lc %i /proc/self/ns/net)
	NS=()
	inspect_json --from "$dump"
	run -0 jq -r 'select(.type == "end").recorded | [.host, .boot_id, .kernel, .machine, .uid, .netns] | map(tostring) | join(" ")' <<<"$output"
	assert_output "$(uname -n) $(</proc/sys/kernel/random/boot_id) $(uname -r) $(uname -m) $(id -u) $netns"
	inspect --from "$dump" -v
	assert_regex "$stderr" "recorded at 20..-..-..T.* on $(uname -n), Linux $(uname -r)"
}

@test "owners that were not recorded are unknown: of a dump of ss, of an older record" {
	local expression
	netns
	mk listen:port=80
	in_ns ss -a -t -D "$dump" >/dev/null
	NS=()
	inspect --json -p --from "$dump"
	assert_equal "$(jq -r 'select(.type == "socket").processes_unknown' <<<"$output")" not-recorded
	for expression in 'process = mksock' 'sport = 81 or pid = 1'; do
		inspect_table --from "$dump" "$expression"
		assert_equal "$status" 3
		assert_regex "$stderr" 'does not say who holds its sockets \(ss -D does not\)'
	done
	inspect_table --from "$dump" --fail-if 'count(process = mksock) = 0'
	assert_equal "$status" 3
	inspect_table --from "$dump" --user root
	assert_equal "$status" 3
	assert_regex "$stderr" 'user: the recorded dump does not have it'
	inspect_table --from "$dump" 'cgroup = /x'
	assert_equal "$status" 3
	# What decides without them, decides.
	inspect_table --from "$dump" 'process = mksock or sport = :80'
	assert_equal "$status" 0
	# Options that only a descriptor tells are in no record.
	inspect_table --from "$dump" reuseaddr
	assert_refused 2 'options that only a descriptor'
}

@test "sockets of a protocol that was not recorded are unknown" {
	netns
	mk listen:port=80 udp
	inspect -q --record "$dump"
	NS=()
	inspect --from "$dump" -u
	assert_equal "$status" 3
	assert_regex "$stderr" 'the recorded dump has no UDP sockets'
	inspect --from "$dump" -x --fail-if 'path = /x'
	assert_equal "$status" 3
	inspect --from "$dump" -tux --json
	assert_equal "$status" 3
	assert_equal "$(jq -r 'select(.type == "end").complete' <<<"$output")" false
}

# Where the messages of a record end, by their lengths.
message_ends() {
	python3 - "$dump" <<-'END'
		import struct, sys
		data, at = open(sys.argv[1], "rb").read(), 0
		while at < len(data):
		    at += struct.unpack_from("<I", data, at)[0] + 3 & ~3
		    print(at)
	END
}

@test "a record that is cut off anywhere is not complete" {
	local at last ends
	netns
	mk listen:port=80 established udp
	inspect -tu -q --record "$dump"
	NS=()
	mapfile -t ends < <(message_ends)
	last=${ends[-1]}
	assert_equal "$last" "$(stat -c %s "$dump")"
	inspect --from "$dump" -tu -q
	assert_success
	for at in 0 "${ends[@]::${#ends[@]}-1}" $((last - 4)); do
		head -c "$at" "$dump" >"$dump.cut"
		inspect --from "$dump.cut" -tu --json
		((status == 3)) || fail "cut at $at of $last: exit $status"
		assert_equal "$(jq -r 'select(.type == "note" and .id == "truncated-record").id' <<<"$output")" truncated-record
		assert_equal "$(jq -r 'select(.type == "end").complete' <<<"$output")" false
	done
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

@test "an empty file is no dump: that of no sockets has an end" {
	: >"$dump"
	inspect --from "$dump"
	assert_equal "$status" 3
	assert_regex "$stderr" 'the file is empty'
	netns
	in_ns ss -a -t -D "$dump" >/dev/null
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
