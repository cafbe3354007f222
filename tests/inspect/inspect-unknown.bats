#!/usr/bin/env bats
# A fact that the source of a row does not have is neither "no" nor "fine": in /proc/net,
# in a dump that ss recorded without a column, for a user who is not told everything.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/inspect

without_sock_diag() { # ARGUMENT...
	command -v strace >/dev/null || skip "strace is not installed"
	run --separate-stderr in_ns "${STRACE[@]}" -o /dev/null -e trace=socket \
		-e inject=socket:error=EPROTONOSUPPORT:when=1 "$SOCKCTL" inspect \
		--no-findings "$@"
}

# Rows of a dump that ss wrote with OPTIONS beside -tan.
of_dump() { # OPTIONS ARGUMENT...
	local file=$BATS_TEST_TMPDIR/dump$1
	[[ -e $file ]] || in_ns ss -tan "$1" -D "$file" >/dev/null
	shift
	run --separate-stderr "$SOCKCTL" inspect --no-findings --from "$file" "$@"
}

# The note says so, and in JSON the end, too.
assert_unknown() { # COLUMN
	assert_status 3
	assert_regex "$stderr" "(^|[^a-z_])$1[ :]"
	assert_regex "$stderr" 'not known|unknown'
}

@test "a threshold on what /proc/net does not have cannot tell" {
	netns
	mk listen:backlog=1,queued=2 established
	without_sock_diag --fail-fill 80
	assert_unknown fill
	without_sock_diag -l --fail-drops
	assert_unknown drops
	without_sock_diag --fail-if 'rtt > 0'
	assert_unknown rtt
	without_sock_diag --fail-if 'count(cwnd > 3) > 1'
	assert_unknown cwnd
	# A second row could not make it three.
	without_sock_diag --fail-if 'count(cwnd > 3 and state = established) > 90'
	assert_success
	without_sock_diag --json --fail-fill 80
	assert_status 3
	assert_json_in "$(tail -1 <<<"$output")" '.[0].type == "end" and .[0].complete == false'
	assert_regex "$output" '"id":"column-missing"'
}

@test "an expression on it is decided by a row that surely matches, or not at all" {
	netns
	mk listen:port=8080,backlog=1,queued=2 established time_wait
	local e
	for e in 'accept_queue_limit = 1' 'accept_queue_full' 'fill > 10' 'rcvbuf > 1' \
		'mark = 7' 'ifindex = 1' 'cookie = 0x1' 'congestion = cubic' 'tos = 0' \
		'unit = x.service' 'ulp = tls' 'cwnd < 1'; do
		without_sock_diag "$e"
		assert_unknown "${e%% *}"
		without_sock_diag --count "$e"
		assert_status 3
	done
	without_sock_diag 'fill > 10 or sport = :8080'
	assert_success
	without_sock_diag 'fill > 10 and sport = :9'
	assert_status 1
	# By nature a remnant has no round trip, and a connection no backlog.
	without_sock_diag 'state = time-wait and rtt > 0'
	assert_status 1
	without_sock_diag 'state = established and fill > 10'
	assert_status 1
}

@test "a dump of ss without -i or -m has no column of theirs, with them it has" {
	netns
	mk listen:backlog=4,queued=1 established
	of_dump -H 'rtt > 1'
	assert_unknown rtt
	of_dump -H --fail-if 'rtt > 0'
	assert_unknown rtt
	of_dump -H 'rcvbuf > 1'
	assert_unknown rcvbuf
	of_dump -H --count 'drops > 0'
	assert_unknown drops
	of_dump -H 'accept_queue_limit = 4'
	assert_success
	of_dump -im 'rtt > 0'
	assert_success
	of_dump -im --fail-if 'rtt > 0'
	assert_status 1
	of_dump -im 'rcvbuf > 1'
	assert_success
	of_dump -im 'drops > 0'
	assert_status 1
}

@test "the first rows by an unknown column are not known, all of them are" {
	netns
	mk established established:family=6
	of_dump -H --sort rtt:desc --limit 1
	assert_unknown rtt
	of_dump -H --sort rtt:desc
	assert_success
	of_dump -im --sort rtt:desc --limit 1
	assert_success
}

@test "what is not known is a group of its own" {
	netns
	mk established
	of_dump -H --group congestion
	assert_success
	assert_line --regexp '^\(not:known\) +[0-9]+$'
	of_dump -H --json --group congestion
	assert_json_in "$(grep '(not known)' <<<"$output")" \
		'.[0].value == null and .[0].unknown == "(not known)"'
	of_dump -im --group congestion
	refute_line --partial 'not known'
}

@test "who may not hear of a mark does not hear that there is none" {
	skip_unless_root "marks are set by root"
	netns
	mk established
	run --separate-stderr in_ns setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$SOCKCTL" inspect --no-findings 'mark = 7'
	assert_unknown mark
	run --separate-stderr in_ns setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$SOCKCTL" inspect --no-findings 'ulp = tls'
	assert_unknown ulp
	run --separate-stderr in_ns "$SOCKCTL" inspect --no-findings 'mark = 7 or ulp = tls'
	assert_status 1
}

# Lines of CODE|OPTION|EXPRESSION on stdin, each asked of COMMAND.
assert_codes() { # COMMAND...
	local code option text
	while IFS='|' read -r code option text; do
		"$@" $option ${text:+"$text"} </dev/null
		no_crash
		assert_equal "$option $text: $status" "$option $text: $code"
		[[ $code != 3 ]] || assert_regex "$stderr" 'unknown|not known'
	done
}

@test "/proc/net: what it does not have is unknown, the rest is as with sock_diag" {
	netns
	mk listen:port=80,backlog=1,queued=2 established:port=81 time_wait udp:port=53
	assert_codes without_sock_diag <<-'END'
		3|--fail-fill|80
		3|--fail-drops|
		0|--fail-drops -u|
		3|--fail-if|fill >= 80
		1|--fail-if|accept_queue > 1
		3|--fail-if|rtt > 0
		3|--fail-if|not rtt > 0 and state established
		1|--fail-if|not rtt > 0
		1|--fail-if|rtt > 0 or sport = 81
		0|--fail-if|rtt > 0 and sport = 9
		0|--fail-if|rtt > 0 and state time-wait
		0|--fail-if|rtt > 0 and state listen
		0|--fail-if|count(rtt > 0) > 6
		3|--fail-if|count(rtt > 0) > 5
		1|--fail-if|count(rtt > 0) < 7
		3|--count|rcvbuf > 0
		3|--count|congestion = reno
		3|--count|cookie = 5
		3|--count|mark = 5
		3|--count|cgroup_id = 5
		3|--count|accept_queue_full
		0|--count|rtt > 0 and state time-wait
		0|--count|sport = 80
		3||rtt > 0
		0||rtt > 0 or sport = 80
		1||rtt > 0 and state listen
		3||fill > 5
		0|--group rtt|
		0|--sort rtt|
		0|--sort rtt --limit 100|
		3|--sort rtt --limit 1|
		0|--sort local_port --limit 1|
		3|--wait 20ms|rtt > 0
		3|--wait 5s --until-gone|rtt > 0
	END
}

@test "a recorded dump without -i or -m does not answer for what they add" {
	netns
	mk listen:port=80,backlog=1,queued=2 established:port=81 time_wait
	in_ns ss -tan -D "$BATS_TEST_TMPDIR/plain"
	in_ns ss -tanim -D "$BATS_TEST_TMPDIR/whole"
	assert_codes inspect --no-findings --from "$BATS_TEST_TMPDIR/plain" <<-'END'
		3|--fail-if|rtt > 0
		1|--fail-if|rtt > 0 or state listen
		0|--fail-if|rtt > 0 and state listen
		0|--fail-if|rtt > 0 and state time-wait
		1|--fail-fill|80
		3|--fail-drops|
		3|--count|rcvbuf > 0
		3|--count|congestion = reno
		3|--sort rtt --limit 1|
		0|--group congestion|
		0|--group state|
	END
	assert_codes inspect --no-findings --from "$BATS_TEST_TMPDIR/whole" <<-'END'
		1|--fail-if|rtt > 0
		0|--fail-if|rtt > 1h
		0|--fail-drops|
		0|--fail-if|rcvbuf = 0
		0|--count|congestion = nosuch
		0|--sort rtt --limit 1|
		1||bbr_bw > 0
	END
}

@test "what only root is shown is unknown to others, and nothing else is" {
	skip_unless_root "drops to another user"
	netns
	mk listen:port=80 established:port=81 time_wait udp:port=53
	assert_codes sockctl_as_user inspect --no-findings <<-'END'
		3||mark = 5
		0||mark = 5 or sport = 80
		3|--count|ulp = tls
		3|--count|md5_keys > 0
		3|--count|tls_version = 1.3
		3|--fail-if|mark = 5
		0|--fail-if|mark = 5 and sport = 9
		3|--fail-if|count(ulp = tls) > 1
		0|--fail-if|count(ulp = tls) > 100
		0|--group mark|
		1||rtt > 1h
		1||rcvbuf = 0
		1||bbr_bw > 0
		1||tclass = 77
		1||v6only and sport = 80
	END
	assert_codes inspect --no-findings <<-'END'
		1||mark = 5
		0|--count|ulp = tls
		0|--fail-if|md5_keys > 0
		1||class_id = 77
		1||tos = 77
		1||drops > 0
		1||mem_rmem > 1g
		1||recverr
		1||wait > 1h
		1||close_wait > 1h
		1||idle > 1h
		1||cgroup_id = 1234567890
		1||bind_no_port and sport = 80
		1||bpf_map = 77777777
		1|-tuxa|shutdown = both and sport = 80
		1|-x|drops > 77777
		1|-u|mem_rmem > 1g
		1||ato > 1h
	END
}

@test "a socket of the kernel has no owner, where every process was read; else it may have one" {
	skip_unless_root "a device is made"
	[[ $(stat -Lc %i /proc/self/ns/pid) == 4026531836 ]] || skip "not in the first pid namespace"
	netns
	in_ns ip link add vx0 type vxlan id 5 dstport 4789 2>/dev/null || skip "this kernel has no vxlan"
	in_ns ip link set vx0 up
	mk listen:port=80
	inspect_table -u -q 'sport = :4789'
	assert_status 0
	inspect_table -u --process mksock
	assert_status 1
	inspect_table -u --fail-if 'process = mksock'
	assert_status 0
	inspect --json -u -p --fail-if 'process = mksock'
	assert_json '.[-1].complete'
	inspect -q -u --record "$BATS_TEST_TMPDIR/dump"
	inspect --from "$BATS_TEST_TMPDIR/dump" -u -q --fail-if 'process = mksock'
	assert_status 0
	# mksock is a process of root, which an ordinary user may not look into.
	sockctl_as_user inspect --no-findings -u --fail-if 'process = mksock'
	assert_status 3
	sockctl_as_user inspect --no-findings -u --process mksock
	assert_status 3
}
