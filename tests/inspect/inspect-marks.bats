#!/usr/bin/env bats
# What the table says of the local end beside its address, and that each of its columns is one
# word where a program reads it.

load ../lib/helpers
load ../lib/inspect
load ../lib/endpoint

@test "the interface and both families stand in the column of the table, and nowhere else" {
	netns
	skip_unless_root "sockets are bound to an interface"
	in_ns ip link add marks0 type veth peer name marks1
	mk listen:family=dual,port=81
	serve listen --option v6only '[::]:82'
	serve listen --option interface=marks0 0.0.0.0:67
	serve listen --option interface=marks0 --udp 0.0.0.0:68
	inspect_table -tul
	assert_clean
	assert_line --regexp '^tcp +LISTEN +0\.0\.0\.0%marks0:67 '
	assert_line --regexp '^udp +UNCONN +0\.0\.0\.0%marks0:68 '
	assert_line --regexp '^tcp +LISTEN +\*:81 '
	assert_line --regexp '^tcp +LISTEN +\[::\]:82 '
	inspect --format raw -H -l -o local
	assert_equal "$(sort <<<"$output")" $'0.0.0.0:67\n[::]:81\n[::]:82'
	inspect --format raw -H -l --group local
	assert_contains "$output" '0.0.0.0:67' '[::]:81'
	inspect --json -tul
	assert_json 'map(select(.type == "socket") | {key: "\(.proto)\(.local_port)", value: [.local_addr, .device, .v6only]}) | from_entries ==
		{tcp67: ["0.0.0.0", "marks0", null], udp68: ["0.0.0.0", "marks0", null], tcp81: ["::", null, false], tcp82: ["::", null, true]}'
	inspect --json -l -o device,v6only 'sport = :81'
	assert_equal "$(grep -o '"v6only"' <<<"$output" | wc -l)" 1
	inspect --bindable '[::]:81'
	assert_contains "$output" '[::]:81'
}

@test "connections have the keys of servers only when they are asked for" {
	netns
	mk established:port=80
	inspect_json established
	assert_json 'map(select(.type == "socket")) | all(has("device") or has("v6only") | not)'
	inspect_json -o device established
	assert_json 'map(select(.type == "socket")) | all(has("device") and (has("v6only") | not))'
}

@test "an interface that is gone has its number" {
	netns
	skip_unless_root "sockets are bound to an interface"
	in_ns ip link add marks0 type veth peer name marks1
	serve listen --option interface=marks0 0.0.0.0:67
	in_ns ip link del marks0
	inspect_table -l
	assert_line --regexp '^LISTEN +0\.0\.0\.0%if[0-9]+:67 '
}

@test "off a terminal each column is one word, whatever strangers put into it" {
	netns
	mk listen:port=80,backlog=2,queued=3 close_wait time_wait unix_listen:abstract='a b'
	mk_more 'comm:name=two words'
	inspect_table -tx -p -o +time,user,unit,cgroup,timer,path,listener
	assert_clean
	run awk 'NR == 1 { n = NF } NF != n { print NR ": " $0 }' <<<"$output"
	assert_output ''
	inspect_table -tx -p
	assert_contains "$output" '3/2:FULL' 'two\x20words[' ']:fd:' 'in:queue' '(not:accepted)' '@a\x20b'
	refute_contains "$output" '█'
	on_terminal 120 inspect -t -p --color never
	assert_contains "$output" '██████████  3/2 FULL' '] fd ' 'in queue' '(not accepted)'
	inspect --group process -H
	run awk 'NF != 2' <<<"$output"
	assert_output ''
}

@test "columns that are a state of ss's manual are still columns, and a terminal is told" {
	netns
	mk listen:port=80 established:port=8000
	inspect -o state established
	assert_clean
	assert_line --index 0 'STATE'
	assert_equal "${#lines[@]}" 3
	on_terminal 80 inspect -o state established
	assert_contains "$output" '-o takes columns here'
}
