#!/usr/bin/env bats
# The form of a finding: its JSON is what the schema says, each id is explained, and what is
# shown follows the severity.

load ../lib/helpers
load ../lib/findings

setup() {
	netns
	mk listen:family=any,backlog=1,queued=2 close_wait:n=16,orphan udp:rcvbuf=4096,drops \
		established:family=any,listener
	until_shown "dport = :${F[close_wait.server15.peer]##*:} and close_wait >= 1s"
}

@test "findings are valid JSON of the schema, between the rows and the end" {
	findings -tu --findings=all
	assert_found 'critical accept-queue-full' 'warning close-wait-leak' 'warning udp-drops' \
		'note exposed-listener' 'note exposed-listener'
	assert_valid
	assert_json 'map(.type) | . == sort_by({socket: 0, note: 1, finding: 2, end: 3}[.])'
	assert_json 'map(select(.type == "finding") | .severity) | . == sort_by({critical: 0, warning: 1, note: 2}[.])'
}

@test "the table has the findings behind its rows, gravest first; notes on request" {
	on_terminal 80 inspect -tu --color never
	assert_equal "$(grep -oE '^(critical|warning|note) +[a-z-]+' <<<"$output" | tr -s ' ')" \
		$'critical accept-queue-full\nwarning close-wait-leak\nwarning udp-drops'
	on_terminal 80 inspect -tu --findings=all --color never
	assert_output --regexp 'note +exposed-listener'
	for options in --no-findings -H; do
		on_terminal 80 inspect -tu "$options"
		refute_output --partial accept-queue-full
	done
}

@test "off a terminal stdout has the rows alone, and findings come when they are asked for" {
	local options
	for options in '-tu' '-tu -H' '-tu --format raw' '-tu --json'; do
		# shellcheck disable=SC2086
		inspect $options
		assert_status 0
		refute_contains "$output$stderr" accept-queue-full
	done
	for options in '-tu' '-tu -H' '-tu --format raw'; do
		# shellcheck disable=SC2086
		inspect $options --findings
		assert_status 0
		refute_contains "$output" accept-queue-full
		assert_contains "$stderr" 'critical  accept-queue-full' 'warning   udp-drops'
		# shellcheck disable=SC2086
		inspect $options --findings -O "$BATS_TEST_TMPDIR/rows"
		assert_equal "$output" ''
		assert_contains "$stderr" 'critical  accept-queue-full'
		refute_contains "$(<"$BATS_TEST_TMPDIR/rows")" accept-queue-full
	done
}

@test "on a terminal a finding is broken between words, off it each sentence is a line" {
	local columns
	inspect -l --format raw --findings
	local whole=$stderr
	for columns in 50 80; do
		on_terminal "$columns" inspect -l --color never
		run sed '1,/^$/d' <<<"$output"
		assert_output --regexp '^critical  accept-queue-full '
		# A command that is to be copied may be one long word, the sockets of the heading too.
		run awk -v n="$columns" 'NR > 1 && length > n' <<<"$output"
		assert_output ''
	done
	run awk 'length > 80' <<<"$whole"
	assert_output --partial 'connections wait for accept()'
}

@test "an explanation is broken between words on a terminal" {
	on_terminal 60 inspect --explain close-wait-leak
	run awk 'length > 60' <<<"$output"
	assert_output ''
	on_terminal 60 inspect --explain close-wait-leak
	local wrapped=$output
	inspect --explain close-wait-leak
	assert_equal "$(tr -s ' \n' ' ' <<<"$wrapped")" "$(tr -s ' \n' ' ' <<<"$output")"
}

@test "findings are not made where only rows or numbers were asked for" {
	local options
	for options in '--count' '--summary' '--group state' '-q' '--json' '--format raw'; do
		# shellcheck disable=SC2086
		inspect $options
		refute_output --partial accept-queue-full
	done
}

@test "each id is explained with meaning, threshold and next step; others are refused" {
	local id
	while IFS=$'\t' read -r id _; do
		sockctl inspect --explain "$id"
		assert_clean
		assert_line --index 0 --regexp "^$id \(finding of inspect, (critical|warning|note)\)$"
		assert_output --partial 'fires: '
		assert_output --partial 'next:  '
	done < <("$SOCKCTL" porcelain findings)
	inspect --explain close-wait
	assert_refused 2 "did you mean 'close-wait-leak'"
}

@test "an id that is unknown brings those that are near, by their letters and by their words" {
	inspect --explain closed-after-acept
	assert_refused 2 "there is no id 'closed-after-acept'.*did you mean 'closed-after-accept'\?"
	inspect --explain exhaust
	assert_refused 2 "did you mean '[a-z-]+', '[a-z-]+' or 'ephemeral-exhausted'\? '--explain help' lists them all"
	inspect --explain ''
	assert_refused 2 "there is no id ''.*'--explain help' lists them all"
	refute_contains "$stderr" 'did you mean'
	inspect --explain refused filtered
	assert_refused 2 "'filtered' is one word too many: --explain takes one id"
}

@test "an id with several meanings: each under where it occurs, and nothing else is done" {
	sockctl probe --explain stale-unix
	assert_clean
	assert_equal "$(grep -o '^stale-unix (.*' <<<"$output")" \
		"stale-unix (why bind() fails: inspect --bindable, listen, echo, connect --source)
stale-unix (why connect() fails: connect, probe)
stale-unix (outcome of probe, exit status 1)"
	sockctl connect --explain accept-queue-full
	assert_clean
	assert_equal "$(grep -o '^accept-queue-full ([a-z ]*' <<<"$output")" \
		$'accept-queue-full (finding of inspect\naccept-queue-full (why connect'
}

@test "another namespace is judged by its own limits" {
	skip_unless_root 'enters a namespace'
	local pid=$NS_PID
	ns_sysctl ipv4/ip_local_port_range '40000 40009'
	mk established:port=80,n=9,listener,label=few
	NS=()
	findings --netns "$pid" --port 80
	assert_found 'warning ephemeral-exhaustion'
	assert_figures ephemeral-exhaustion 'ports == 10' 'used == 9'
}
