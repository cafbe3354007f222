#!/usr/bin/env bats
# Tables, raw, JSON Lines; sorting, grouping, counting; files that appear whole or not at all.

load ../lib/helpers
load ../lib/inspect

@test "the table is aligned: every column begins where its heading does" {
	netns
	mk listen:port=80 established:family=6 time_wait
	inspect_table
	assert_clean
	run awk 'NR == 1 { local = index($0, "LOCAL"); peer = index($0, "PEER") }
		NR > 1 && (substr($0, local - 1, 1) != " " || substr($0, local, 1) == " " ||
			substr($0, peer - 1, 1) != " " || substr($0, peer, 1) == " ")' <<<"$output"
	assert_output ''
}

@test "v4-mapped addresses stand as IPv4 in the table, the wildcard of both families as *" {
	netns
	mk established:family=mapped,port=80,cport=40000 listen:family=dual,port=81 listen:family=any,port=82
	inspect_table
	assert_clean
	assert_line --regexp '^ESTABLISHED +127\.0\.0\.1:80 +127\.0\.0\.1:40000 '
	assert_line --regexp '^LISTEN +\*:81 +\* '
	assert_line --regexp '^LISTEN +0\.0\.0\.0:82 +\* '
}

@test "no colour and no truncation off a terminal" {
	netns
	mk listen:backlog=1,queued=2 "unix_bound:abstract=$(printf 'x%.0s' {1..100}),type=dgram"
	inspect_table -tx
	assert_clean
	refute_output --partial $'\e['
	assert_output --partial "$(printf 'x%.0s' {1..100})"
	inspect --color=always
	assert_output --partial $'\e['
	NO_COLOR=1 inspect --color=auto
	refute_output --partial $'\e['
	CLICOLOR_FORCE=1 inspect
	assert_output --partial $'\e['
	inspect --color=never
	refute_output --partial $'\e['
}

@test "raw: tabs between fields, one heading line, absent values" {
	netns
	mk listen:port=80 time_wait
	inspect --format raw -o state,local_port,recv_queue
	assert_clean
	assert_equal "${#lines[@]}" 3
	run awk -F '\t' 'NF != 3' <<<"$output"
	assert_output ''
}

@test "-H leaves the heading out, in the table and in raw" {
	netns
	mk listen:port=80
	inspect_table -H
	assert_equal "${#lines[@]}" 1
	inspect --no-headings --format raw -o state,local_port
	assert_output 'LISTEN	80'
}

@test "JSON Lines: every line is one object of version 1, the last one is the end" {
	netns
	mk listen:port=80,queued=2 established time_wait close_wait
	inspect_json -p
	assert_equal "$(jq -r 'select(.type != "note") | "\(.v) \(.type)"' <<<"$output" | uniq -c | tr -s ' ')" $' 10 1 socket\n 1 1 end'
	assert_equal "$(tail -n 1 <<<"$output")" '{"v":1,"type":"end","rows":10,"complete":true}'
}

@test "JSON Lines: core keys are always there, null where unknown" {
	local key row
	netns
	mk listen:port=80 established time_wait
	inspect_json
	for name in listen.listener established.client0 time_wait.socket; do
		for key in proto family state local_addr local_port peer_addr peer_port recv_queue_bytes \
			send_queue_bytes inode cookie uid cgroup; do
			assert_json_in "$(rows "${F[$name.cookie]}")" 'length == 1 and (.[0] | has($k))' --arg k "$key"
		done
	done
	for key in accept_queue accept_queue_limit accept_queue_full drops; do
		assert_json_in "$(rows "${F[listen.listener.cookie]}")" 'length == 1 and (.[0] | has($k))' --arg k "$key"
	done
}

@test "--json is --format json" {
	netns
	mk listen:port=80
	inspect --json
	want=$output
	inspect --format json
	assert_equal "$output" "$want"
}

@test "keys do not depend on the view: -o adds keys, never takes core ones" {
	netns
	mk established
	inspect_json -o rtt
	assert_json_in "$(rows "${F[established.client0.cookie]}")" 'length == 1 and (.[0] | has("rtt_us") and has("state"))'
}

@test "sorting: by number, by address, down, absent last" {
	netns
	mk listen:port=9 listen:port=80,label=b listen:port=443,label=c established:label=e,port=10,cport=20000
	inspect --format raw -H -o local_port --sort local_port
	assert_output "$(printf '%s\n' 9 10 80 443 20000)"
	inspect --format raw -H -o local_port --sort local_port:desc
	assert_output "$(printf '%s\n' 20000 443 80 10 9)"
	inspect --format raw -H -o local_port --sort accept_queue_limit,local_port:desc ||
		true
	inspect --format raw -H -o rtt,local_port --sort rtt
	assert_line --index 4 --regexp '^-?	(9|80|443)$'
}

@test "--limit keeps the first rows, after sorting" {
	netns
	mk listen:port=9 listen:port=80,label=b listen:port=443,label=c
	inspect --format raw -H -o local_port --sort local_port --limit 2
	assert_output "$(printf '%s\n' 9 80)"
	inspect --format raw -H -o local_port --limit 1
	assert_equal "${#lines[@]}" 1
	inspect --limit 0
	assert_equal "$status" 0
	assert_equal "$stderr" 'sockctl inspect: stopped after 0 rows (--limit); there are more'
	inspect --limit -1
	assert_refused 2 .
}

@test "--limit keeps the largest groups, and has no sense with a single number" {
	netns
	mk listen established:n=5 close_wait:n=2
	inspect --group state --format raw --limit 2
	assert_output 'state	count
ESTABLISHED	10
CLOSE_WAIT	2'
	assert_equal "$stderr" 'sockctl inspect: stopped after 2 values (--limit); there are more'
	inspect --group state --format raw --limit 4
	assert_clean
	inspect --count --limit 2
	assert_refused 2 'limit'
	inspect --summary --limit 2
	assert_refused 2 'limit'
}

@test "on a terminal, what --limit left out is told below the rows" {
	netns
	mk listen:port=9 listen:port=80,label=b
	on_terminal 80 inspect --limit 1 --no-findings --color never
	assert_equal "$(cut -c 1-9 <<<"$output" | head -n 2 | tail -n 1)" 'LISTEN  1'
	assert_equal "$(tail -n 1 <<<"$output")" \
		'sockctl inspect: stopped after 1 row (--limit); there are more'
}

@test "--count is the number of rows, and 0 is an answer" {
	netns
	mk listen established:n=5
	inspect --count
	assert_clean
	assert_output 11
	inspect --count --listen
	assert_output 1
	inspect --count --port 1
	assert_clean
	assert_output 0
}

@test "--group counts by any column" {
	netns
	mk listen listen:label=b established:n=5
	inspect --group state --format raw -H
	assert_success
	assert_line --regexp '^ESTABLISHED	10(	|$)'
	assert_line --regexp '^LISTEN	2(	|$)'
	assert_equal "${#lines[@]}" 2
}

@test "raw counts stand below their own names, not those of the rows" {
	netns
	mk listen:port=80
	inspect --format raw --count
	assert_output 1
	inspect --format raw --summary
	assert_output 'tcp	1
tcp LISTEN	1'
	inspect --format raw --group local_port
	assert_output 'local_port	count
80	1'
}

@test "--summary says how many of each" {
	netns
	mk listen established:n=5 time_wait udp
	inspect --summary
	assert_success
	assert_output --regexp '(LISTEN|listen)'
	assert_output --regexp '10'
	inspect --summary --port 1
	assert_success
}

@test "-O writes the whole answer, and nothing on stdout" {
	netns
	mk listen:port=80
	inspect --format raw -o state,local_port
	want=$output
	inspect --format raw -o state,local_port -O "$BATS_TEST_TMPDIR/out"
	assert_clean
	assert_output ''
	assert_equal "$(<"$BATS_TEST_TMPDIR/out")" "$want"
	assert_equal "$(find "$BATS_TEST_TMPDIR" -name "out*" | wc -l)" 1
}

@test "-O is atomic: an old file stays when there is nothing good to put there" {
	netns
	echo old >"$BATS_TEST_TMPDIR/out"
	inspect -O "$BATS_TEST_TMPDIR/out" 'nonsense ='
	assert_equal "$status" 2
	assert_equal "$(<"$BATS_TEST_TMPDIR/out")" old
	inspect -O "$BATS_TEST_TMPDIR/none/out"
	assert_refused 3 'none/out'
	assert_equal "$(find "$BATS_TEST_TMPDIR" -name 'out*' | wc -l)" 1
}

@test "names with newlines and escapes are one line in every text format" {
	netns
	mk 'unix_listen:abstract=a\nb\x1b]0;evil\x07\xff\tend,backlog=1,queued=1'
	inspect_table -x
	assert_clean
	refute_output --partial $'\e'
	assert_line --partial '@a\nb\x1b]0;evil\x07\xff\tend'
	inspect -x --format raw -o inode,path
	assert_line "${F[unix_listen.listener.inode]}	@a\\nb\\x1b]0;evil\\x07\\xff\\tend"
	inspect_json -x -o +path
	assert_equal "$(value_of unix_listen.listener path | jq -r .)" $'@a\nb\e]0;evil\a\ufffd\tend'
	assert_equal "$(value_of unix_listen.listener path_hex | jq -r .)" 40610a621b5d303b6576696c07ff09656e64
}

@test "--group in JSON has the raw text, as a row has it, and what is no UTF-8 in hexadecimal" {
	netns
	mk 'unix_listen:abstract=a\\x2d\nb\x1b\tend' 'unix_listen:abstract=\xff,label=bytes'
	inspect_json -xl --group path
	assert_equal "$(jq -r 'select(.value_hex).value_hex' <<<"$output")" 40ff
	values=$(jq -r 'select(.count == 1).value' <<<"$output")
	assert_equal "$values" $'@\ufffd\n@a\\x2d\nb\e\tend'
	inspect_json -xl -o path
	assert_equal "$(jq -r 'select(.type == "socket").path' <<<"$output" | sort)" "$(sort <<<"$values")"
}

@test "rows appear before the dump has ended" {
	netns
	mk established:n=3000,quiet
	# A reader that takes the first line and goes: the rest is not waited for.
	run bash -c "set -o pipefail; '${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect ${NO_FINDINGS[*]} -H 2>/dev/null | head -n 1"
	assert_output --regexp '^(LISTEN|ESTABLISHED)'
}

@test "--group by process counts what each program holds, whatever the descriptors" {
	netns
	mk listen:port=80 established:n=3
	inspect --group process -H --format raw
	assert_output "$(printf 'mksock[%s]\t7' "$MK_PID")"
}

@test "--group and --summary: numbers stand under each other, a state is called as in the table" {
	netns
	mk listen:port=80 established:n=50 udp
	inspect --group state
	assert_output "$(printf '%s\n' 'STATE        COUNT' 'ESTABLISHED    100' 'LISTEN           1')"
	inspect -tu --summary
	assert_line 'tcp                     101'
	assert_line '  LISTEN                  1'
	assert_line '  UNCONN                  1'
}
