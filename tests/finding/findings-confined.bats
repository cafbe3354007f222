#!/usr/bin/env bats
# Every fault that can be made quickly, made once and looked at from places where not everything
# may be seen: what is found where all is seen is found there, too, or the answer is "cannot
# tell" and a note names what it is about. Nobody else is blamed.

# shellcheck disable=SC2016,SC2154 # words of jq; run sets what is read here
load ../lib/helpers
load ../lib/findings
load ../lib/confined

setup() {
	confined_setup
	netns
}

# What FILE.all says that the look in this place does not, and what it says beyond the two looks
# where all is seen. A finding is the same one if it is about a socket of the other's, or, where
# its sockets have no cookies, about its processes.
COMPARE='
def pids: [.processes[].pid] | unique;
def same($o): .id == $o.id and (
	if (.sockets | length) > 0 and ($o.sockets | length) > 0
	then (.sockets - (.sockets - $o.sockets)) | length > 0
	elif ((.sockets + $o.sockets) | length) == 0 or $fallback
	then (pids == ($o | pids)) or pids == [] or ($o | pids) == []
	else false end);
def has($list): . as $f | any($list[]; . as $o | $f | same($o));
(map(select(.look == "before").finding)) as $before
| (map(select(.look == "after").finding)) as $after
| (map(select(.look == "here").finding)) as $here
| {
	missing: [$before[] | select(has($after)) | . as $f | select(has($here) | not) | .id] | unique,
	weaker: [$before[] | select(.severity != "note" and has($after)) | . as $f
		| select(any($here[]; .severity == "note" and same($f))) | .id] | unique,
	invented: [$here[] | select(has($before + $after) | not) | "\(.id): \(.where)"],
	blamed: [$here[] | . as $f | ([($before + $after)[] | . as $o | select($f | same($o)) | pids[]] | unique) as $known
		| select((pids - $known) | length > 0) | "\(.id): \(.where)"]
}'

look() { # PLACE NAME
	in_place "$1" inspect --json --findings=all --allow-empty
	assert_regex "$1: $status" ': [03]$'
	refute_regex "$output" 'kernel-socket|\(kernel\)'
	# A counter rises in the moment of one look, or does not.
	jq -c --arg look "$2" 'select(.type == "finding" and .id != "counter-rising") | {look: $look, finding: .}' <<<"$output" \
		>"$BATS_TEST_TMPDIR/$2"
}

# The word of the note that excuses each finding which is not told.
excuse_of() { # ID
	case $1 in
	descriptor-exhaustion) echo 'descriptors' ;;
	shadowed-listener) echo 'two listeners of one port' ;;
	accept-queue-full | accept-queue-filling) echo 'backlog limits|queues of unix sockets' ;;
	accept-stalled | backlog-zero) echo 'backlog limits' ;;
	time-wait-overflow | ephemeral-exhaustion | syn-queue-pressure) echo "no /proc here|backlog limits|ages and buffers" ;;
	*) echo 'ages and buffers of sockets' ;;
	esac
}

# The same look in each place, between two where all is seen. Sets UNTOLD[place].
declare -gA UNTOLD
look_everywhere() { # ID...
	local place id result fallback
	look open before
	assert_equal "$status $stderr" '0 '
	for id in "$@"; do
		assert_regex "$(<"$BATS_TEST_TMPDIR/before")" "\"id\":\"$id\""
	done
	for place in user hidepid ptraceable pid noproc chroot "${FALLBACKS[@]}"; do
		look "$place" "here.$place"
		echo "$status" >"$BATS_TEST_TMPDIR/status.$place"
		printf '%s' "$stderr" >"$BATS_TEST_TMPDIR/said.$place"
		assert_json ".[-1].complete == ($status == 0)"
	done
	look open after
	for place in user hidepid ptraceable pid noproc chroot "${FALLBACKS[@]}"; do
		fallback=false
		[[ " ${FALLBACKS[*]} " != *" $place "* ]] || fallback=true
		result=$(sed "s/\"look\":\"here.$place\"/\"look\":\"here\"/" \
			"$BATS_TEST_TMPDIR/"{before,after,"here.$place"} | jq -sc --argjson fallback $fallback "$COMPARE")
		assert_equal "$place: $(jq -c '.invented + .blamed' <<<"$result")" "$place: []"
		UNTOLD[$place]=$(jq -r '.missing + .weaker | unique | join(" ")' <<<"$result")
		for id in ${UNTOLD[$place]}; do
			assert_equal "$place $id $(<"$BATS_TEST_TMPDIR/status.$place")" "$place $id 3"
			assert_regex "$place $id: $(<"$BATS_TEST_TMPDIR/said.$place")" "$(excuse_of "$id")"
		done
	done
}

# Only what hangs on processes is not told where the kernel's tables are read.
assert_untold() { # PLACE ID...
	assert_equal "$1: ${UNTOLD[$1]}" "$1: ${*:2}"
}

full_unix_queue() {
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(3)
kept = []
for i in range(4):
    c = socket.socket(socket.AF_UNIX)
    c.connect(sys.argv[1])
    kept.append(c)
print("ready", flush=True)
time.sleep(600)' "$BATS_TEST_TMPDIR/full.sock"
	await_line '^ready$'
}

# Twelve connections that a process has accepted and does not read.
unread_requests() { # PORT
	spawn "${NS[@]}" python3 -c '
import os, socket, sys, time
address = ("127.0.0.1", int(sys.argv[1]))
s = socket.create_server(address)
if os.fork() == 0:
    s.close()
    kept = [socket.create_connection(address) for _ in range(12)]
    for c in kept:
        c.send(b"request")
    time.sleep(600)
kept = [s.accept()[0] for _ in range(12)]
print("ready", flush=True)
time.sleep(600)' "$1"
	await_line '^ready$'
}

@test "queues, leaks, connections that stand, descriptors: told everywhere, or said to be unknown" {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	local i
	mk listen:port=1001,backlog=3,queued=4
	mk listen:port=1002,backlog=9,queued=8
	mk listen:port=1003,backlog=100,queued=5
	mk close_wait:n=20,orphan
	mk established:rcvbuf=4096,sndbuf=16384,full,port=1005
	mk established:port=1006,label=sender
	drop_port 1006
	mk_more send:of=sender.client0,n=700
	mk udp:rcvbuf=4096,drops,port=1007
	mk listen:port=1008 files:limit=50,spare=0
	mk listen:reuseport,label=a,port=1009,family=any
	mk listen:reuseport,label=b,port=1009,family=4
	drop_port 1011
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3 -T 600s 127.0.0.1:1011
	mk listen:port=1012,backlog=0
	full_unix_queue
	unread_requests 1014
	mk established:n=70,port=1015,listener,label=web
	drop_port 1015
	for ((i = 0; i < 70; i++)); do
		mk_more "send:of=web.server$i,n=9"
		mk_more "close:of=web.server$i"
	done
	mk listen:port=1010,backlog=9,label=half
	spawn "${NS[@]}" "$SOCKCTL" connect --half-open --connections 9 --hold 600s -T 600s 127.0.0.1:1010
	until_shown 'sport = :1014 and recv_queue > 0 and last_data_recv >= 3s'
	until_shown 'state = fin-wait-1 and timer_retrans >= 2'
	until_shown 'sport = :1010 and state = syn-recv and timer_retrans >= 1'
	look_everywhere accept-queue-full accept-queue-filling accept-stalled close-wait-leak stuck-reader \
		stuck-sender udp-drops descriptor-exhaustion shadowed-listener syn-sent-unanswered \
		unread-requests orphans syn-queue-pressure backlog-zero
	# Anybody may count the descriptors of a process that he sees.
	assert_untold user shadowed-listener
	for i in hidepid ptraceable pid; do
		assert_untold "$i" descriptor-exhaustion shadowed-listener
	done
	for i in noproc chroot; do
		assert_regex "$i: ${UNTOLD[$i]}" ': descriptor-exhaustion shadowed-listener( syn-queue-pressure)?$'
	done
	for i in "${FALLBACKS[@]}"; do
		assert_regex "$i: ${UNTOLD[$i]}" 'accept-queue-full .*close-wait-leak .*stuck-reader'
	done
}

@test "ports and TIME_WAIT that run out: told everywhere, or said to be unknown" {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	ns_sysctl ipv4/ip_local_port_range '40000 40019'
	ns_sysctl ipv4/ip_local_reserved_ports '40005-40014,50000'
	mk established:port=80,n=8,listener
	ns_sysctl ipv4/tcp_max_tw_buckets 2
	mk time_wait:n=5,lost,port=81,label=lost
	mk established:family=any,listener,label=exposed
	look_everywhere ephemeral-exhaustion
	local place
	for place in user hidepid ptraceable pid; do
		assert_untold "$place"
	done
}

@test "a healthy host: no word of any finding anywhere, and cannot tell only where something is hidden" {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	mk listen:port=80 established:listener,port=81
	local place want
	for place in open user hidepid ptraceable pid noproc chroot "${FALLBACKS[@]}"; do
		look "$place" here
		want=3
		# Who sees all processes may count their descriptors, though he may not look into them.
		[[ $place != open && $place != user ]] || want=0
		assert_equal "$place $status $(<"$BATS_TEST_TMPDIR/here")" "$place $want "
	done
	# What was not asked for is not missing.
	for place in user hidepid pid chroot refused; do
		in_place "$place" inspect --json --no-findings
		assert_equal "$place $status" "$place 0"
	done
}

@test "without sock_diag the note says that the queues of unix sockets are not judged" {
	full_unix_queue
	in_place open inspect --findings --allow-empty
	assert_regex "$stderr" 'accept-queue-full'
	local place
	for place in "${FALLBACKS[@]}"; do
		in_place "$place" inspect --findings --allow-empty
		assert_equal "$place $status" "$place 3"
		assert_regex "$stderr" 'the queues of unix sockets are not in /proc/net: whether they are full cannot be told'
		in_place "$place" inspect -x --findings --allow-empty
		assert_equal "$place $status" "$place 3"
		in_place "$place" inspect --no-findings --allow-empty
		assert_equal "$place $status" "$place 0"
		assert_regex "$stderr" 'no backlog limits.*queues of unix sockets'
		# Who asks for TCP is told of TCP.
		in_place "$place" inspect -t --findings --allow-empty
		assert_equal "$place $status" "$place 0"
	done
}

@test "a program that may be out of descriptors is not passed over where it is hidden" {
	mk listen:port=80 files:limit=50,spare=0
	local place
	for place in open user; do
		in_place "$place" inspect --json --findings
		assert_equal "$place $status" "$place 0"
		assert_json 'map(select(.id == "descriptor-exhaustion")) | length == 1'
	done
	for place in hidepid pid; do
		in_place "$place" inspect --json --findings
		assert_equal "$place $status" "$place 3"
		assert_regex "$stderr" "not all processes are visible: whether one of them runs out of descriptors cannot be told \(.*${WORDS[$place]}\)"
	done
	# Where nothing of it is asked, nothing is missing.
	in_place hidepid inspect --json --findings --port 80
	assert_equal "$status" 0
}

# Before Linux 6.2 only who may look into a process can count its descriptors; how many it has
# room for by now stands in its status.
without_sizes() { # ARG...
	run --separate-stderr in_ns setpriv --reuid=65534 --regid=65534 --clear-groups "${STRACE[@]}" -f -qq \
		-o /dev/null -P /proc/self/fd -e trace=newfstatat -e inject=newfstatat:error=ENOENT "$BIN" "$@"
	no_crash
}

@test "descriptors that may not be counted: a table that is too small for the limit clears a process" {
	mk listen:port=80 files:limit=1000
	without_sizes inspect --json --findings
	assert_equal "$status" 0
	refute_regex "$stderr" 'descriptors'
	mk listen:port=81 files:limit=50,spare=0
	without_sizes inspect --json --findings
	assert_equal "$status" 3
	assert_contains "$stderr" 'the descriptors of 1 process may not be counted: whether they run out cannot be told'
	assert_json '.[-1].complete == false'
	# In another namespace it is not this one's trouble.
	netns
	mk listen:port=80
	without_sizes inspect --json --findings
	assert_equal "$status" 0
	refute_regex "$stderr" 'descriptors'
}
