#!/usr/bin/env bats
# A name that does not resolve: each name server of resolv.conf is asked itself, and what is
# told of it is what it did.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe
load ../lib/names

@test "name servers: the silent one is named, not the healthy one behind it" {
	names silent=$A good=$B
	OPTIONS=timeout:10 served "$A $B" 5 name-timeout \
		"$A gave no answer in [0-9.]+ m?s; $B answers now; they are asked in this order, and each has 10 s: 'options timeout:1'" \
		-T 2s some.test:80
	OPTIONS=timeout:10 by "$A $B" connect -T 2s some.test:80
	assert_status 4
	assert_regex "$stderr" "$A gave no answer in .* m?s; $B answers now"
	# The healthy one alone, and what was advised, by the reason and by the outcome.
	run in_ns "$SOCKCTL" probe --explain name-timeout
	assert_output --partial "'sockctl probe udp:SERVER:53'"
	probe udp:$B:53
	assert_status 0
	probe -T 500ms udp:$A:53
	assert_status 4
	served $B 0 open rtt some.test:80
	served "$A $B" 0 open 'rtt' some.test:80
}

@test "name servers: both are silent, or nobody listens there" {
	names silent=$A silent=$B
	served "$A $B" 5 name-timeout "$A gave no answer in [0-9.]+ m?s; $B gave no answer in [0-9.]+ m?s .*resolv.conf" -T 1s -4 some.test:80
	served $GONE 5 name-timeout "$GONE refuses UDP port 53" some.test:80
	by $GONE connect some.test:80
	assert_status 5
	assert_regex "$stderr" "$GONE refuses UDP port 53"
}

@test "name servers: refused and failed are told apart" {
	names refused=$A servfail=$B
	served "$A $B" 5 name-timeout "$A answers REFUSED; $B answers SERVFAIL" some.test:80
	served "$A" 5 name-timeout "$A answers REFUSED" some.test:80
	by "$B" probe some.test:80
	assert_status 5
	assert_regex "$output" "name-timeout .*$B answers SERVFAIL"
	by "$B $GONE" connect some.test:80
	assert_status 5
	assert_regex "$stderr" "$B answers SERVFAIL; $GONE refuses UDP port 53"
	by "$B" listen some.test:8080
	assert_status 5
	assert_regex "$stderr" "$B answers SERVFAIL"
}

@test "name servers: an answer that is cut, and what TCP has to say" {
	names cut=$A
	served $A 5 name-timeout "$A truncates its answer, and its TCP port 53 is refused" some.test:80
	by $A connect some.test:80
	assert_status 5
	assert_regex "$stderr" "$A truncates its answer, and its TCP port 53 is refused"
	names cut-mute=$A
	OPTIONS=timeout:10 served $A 5 name-timeout "$A truncates its answer, and its TCP port 53 gave no answer in" -T 2s some.test:80
	names cut-tcp=$A
	served $A 0 open rtt some.test:80
}

@test "name servers: only one family is answered, and asking for it alone helps" {
	names a-only=$A aaaa-only=$B
	OPTIONS=timeout:10 served $A 5 name-timeout "$A answers A but not AAAA; '-4' asks for A alone" -T 2s some.test:80
	served $A 0 open rtt -4 some.test:80
	# Filters of inspect have no family to choose.
	OPTIONS=timeout:10 by $B inspect --wait 1s dst=some.test
	assert_status 4
	assert_regex "$stderr" "$B answers AAAA but not A .*resolv.conf"
}

@test "name servers: none is asked by us where a look-up succeeds, or nsswitch.conf has no dns" {
	names good=$A servfail=$B
	served "$A" 0 open rtt some.test:80
	# The resolver's own.
	assert_equal "$(sort "$ASKED.$A" | xargs)" 'A udp AAAA udp'
	NSSWITCH_HOSTS=files served "$B" 5 no-name 'does not resolve' some.test:80
	assert_int "$(asked $B) == 0"
	NSSWITCH_HOSTS=files by "$B" connect some.test:80
	assert_status 5
	assert_regex "$stderr" "'hosts' in /etc/nsswitch.conf has no 'dns'"
	assert_int "$(asked $B) == 0"
	NSSWITCH_HOSTS=files served "$B" 0 open rtt localhost:80
	assert_int "$(asked $B) == 0"
}
