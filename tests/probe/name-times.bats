#!/usr/bin/env bats
# How long a look-up may take, beside an attempt and within a time that was given; what is told
# of one that was slow.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe
load ../lib/names

@test "name times: a slow look-up is told beside open, a quick one is not" {
	SLOW=1.1 names slow=$A
	OPTIONS=timeout:10 served $A 0 open '; the look-up of the name took [0-9.]+ s$' some.test:80
	assert_int "$(attempt .name_us) >= 1100000"
	OPTIONS=timeout:10 by $A probe --attempts 2 --interval 1ms some.test:80
	assert_status 0
	assert_regex "$output" 'some.test:80 .*open .*2 of 2'
	assert_regex "$output" '; the look-up of the name took [0-9.]+ s'
	OPTIONS=timeout:10 by $A connect --json --send-only some.test:80
	assert_json_in "$stderr" '[.[] | select(.type == "note" and .id == "remark" and (.text | test("the look-up of .some.test. took")))] | length == 1'
	OPTIONS=timeout:10 by $A connect -v --send-only some.test:80
	assert_regex "$stderr" "the look-up of 'some.test' took [0-9.]+ s"
	names good=$A
	OPTIONS=timeout:10 served $A 0 open 'rtt' some.test:80
	refute_contains "$output" 'look-up'
	OPTIONS=timeout:10 by $A connect -v --send-only some.test:80
	refute_contains "$stderr" 'look-up'
}

@test "name times: a name has a time of its own, longer than an attempt" {
	SLOW=3.3 names slow=$A
	OPTIONS=timeout:10 served $A 0 open 'the look-up of the name took' some.test:80
	OPTIONS=timeout:10 served $A 5 name-timeout 'did not resolve before the deadline' -T 500ms some.test:80
	OPTIONS=timeout:10 by $A probe --wait 500ms some.test:80
	assert_refused 4 'some.test:80 is name-timeout: .* did not resolve before the deadline'
}

@test "name times: a time that was given bounds look-up and attempt together" {
	SLOW=1.5 names slow=$A
	in_ns nft -f - <<-END
		table inet t { chain c { type filter hook input priority 0; tcp dport 81 drop; }; }
	END
	OPTIONS=timeout:10 served $A 4 filtered 'no answer to 1 SYN in [0-9.]+ m?s, which may be too short; the look-up of the name took 1' -T 2s some.test:81
	assert_int "$(attempt .connect_us) < 1000000"
	OPTIONS=timeout:10 served $A 4 filtered 'which may be too short' -T 2s --all-addresses some.test:81
	OPTIONS=timeout:10 by $A connect -T 2s some.test:81
	assert_status 4
	assert_regex "$stderr" 'no answer within 0\.[0-9]+ s'
}
