#!/usr/bin/env bats
# What a person sees of `sockctl probe` on a terminal, and nobody else: progress, colours,
# a histogram.

load ../lib/helpers
load ../lib/probe

CLEAR=$'\r\e[K'
CLEARED=$'\r\e\\[K' # the same as a regular expression

# The colours taken out; what is left must say the same.
plain() {
	sed 's/\x1b\[[0-9;]*m//g' <<<"$output"
}

@test "--wait shows on a terminal what is missing, and takes it back" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	on_terminal 200 probe --wait 4s 127.0.0.1:80 127.0.0.1:81
	assert_status 4
	assert_regex "$output" "${CLEARED}waited [123] of 4 s: 1 of 2 there; 127\.0\.0\.1:81 refused"
	# The line is cleared before anything else is said.
	assert_regex "${output##*"$CLEAR"}" '^127\.0\.0\.1:80'
	assert_contains "$output" 'waited 4 s, 127.0.0.1:81 is refused'
	on_terminal 30 probe --wait 3500ms 127.0.0.1:81
	local line=${output#*"$CLEAR"}
	((${#line} > 0)) && line=${line%%"$CLEAR"*}
	assert_regex "$line" '^waited [123] of 3\.5'
	assert_int "${#line} < 30"
}

@test "--wait shows nothing where it is quiet, or short, or no terminal" {
	netns
	on_terminal 80 probe -q --wait 1500ms 127.0.0.1:81
	assert_equal "$output" ''
	on_terminal 80 probe --wait 300ms 127.0.0.1:81
	refute_contains "$output" $'\r'
	probe --wait 1500ms 127.0.0.1:81
	refute_contains "$stderr" $'\r'
	refute_contains "$output" $'\r'
	# The last reason, and what this host's tables add to it: nobody, or another namespace.
	assert_equal "${#stderr_lines[@]}" 2
	assert_regex "${stderr_lines[1]}" '^  .*81'
}

@test "attempts show how far they are, and what is said now" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	on_terminal 200 probe --attempts 6 --interval 700ms 127.0.0.1:80
	assert_status 0
	assert_regex "$output" "${CLEARED}asked [2-5] of 6, [2-5] open; now open: rtt [0-9.]+ ms"
	assert_regex "${output##*"$CLEAR"}" '^127\.0\.0\.1:80'
	on_terminal 200 probe -T 2s --attempts 2 --interval 1s 127.0.0.1:80 127.0.0.1:81
	assert_regex "$output" "${CLEARED}asked [23] of 4, [12] open"
	probe --attempts 2 --interval 1s 127.0.0.1:80
	assert_equal "$stderr" ''
	refute_contains "$output" $'\r'
}

@test "a scan shows how far it is, and for how long yet" {
	netns
	mk listen:addr=127.0.0.1,port=22,backlog=64
	on_terminal 120 probe --rate 100/s 127.0.0.1:1-200
	assert_status 0
	assert_regex "$output" "${CLEARED}127\.0\.0\.1:1-200: [0-9]+ of 200 ports, 1 open, [0-9]+ s left"
	assert_regex "${output##*"$CLEAR"}" '^127\.0\.0\.1: 1 of 200 ports open'
	probe --rate 100/s 127.0.0.1:1-200
	assert_equal "$stderr" ''
	refute_contains "$output" $'\r'
	# Into a pipe: what reads it may write to the same terminal.
	run in_ns env TERM=xterm script -qec "$SOCKCTL probe --rate 100/s 127.0.0.1:1-200 | cat" /dev/null
	refute_contains "$output" $'\e[K'
}

@test "outcomes and reasons have colours, which never stand without their words" {
	local coloured
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule input tcp dport 82 drop
	on_terminal 200 probe -T 300ms $V4:80 $V4:81 $V4:82
	assert_contains "$output" $'\e[32mopen\e[0m'
	assert_contains "$output" $'\e[31mrefused\e[0m' $'\e[31mRST after ' $'nothing listens there\e[0m'
	assert_contains "$output" $'\e[33mfiltered\e[0m' $'\e[33mno answer to ' $'\e[0m'
	assert_contains "$(plain)" ' open ' ' refused ' 'RST after' ' filtered ' 'no answer to 1 SYN'
	refute_contains "$(plain)" $'\e'
	# The columns stand where they stand without. What was found of other namespaces follows.
	coloured=$(plain | awk -v target="$V4:" 'index($0, target) == 1 { print $1, $2, index($0, "RST"), index($0, "no answer") }')
	probe --color never -T 300ms $V4:80 $V4:81 $V4:82
	refute_contains "$output" $'\e'
	assert_equal "$(awk -v target="$V4:" 'index($0, target) == 1 { print $1, $2, index($0, "RST"), index($0, "no answer") }' <<<"$output")" "$coloured"
	assert_equal "$(wc -l <<<"$coloured")" 3
	probe --color always $V4:81
	assert_contains "$output" $'\e[31mrefused\e[0m'
	on_terminal 200 probe --color never $V4:81
	refute_contains "$output" $'\e'
}

@test "no colour where the environment says so" {
	local setting
	netns
	for setting in NO_COLOR=1 CLICOLOR=0 TERM=dumb; do
		run in_ns env TERM=xterm "$setting" script -qec "env TERM=xterm $setting $SOCKCTL probe 127.0.0.1:81" /dev/null
		[[ $output != *$'\e'* ]] || fail "$setting: $output"
	done
	run in_ns env CLICOLOR_FORCE=1 "$SOCKCTL" probe 127.0.0.1:81
	assert_contains "$output" $'\e[31mrefused'
	run in_ns env CLICOLOR_FORCE=1 NO_COLOR=1 "$SOCKCTL" probe 127.0.0.1:81
	refute_contains "$output" $'\e'
}

@test "a late success has the colour of a warning" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 2 == 0 drop'
	probe --color always $V4:80
	assert_contains "$output" $'\e[32mopen\e[0m' $'\e[33mconnected only after '
}

@test "many attempts: a histogram on a terminal, which adds up" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=6400
	on_terminal 120 probe --attempts 1000 --interval 0 127.0.0.1:80
	assert_status 0
	assert_equal "$(grep -cE '^ +[0-9.]+ ms +[0-9]+( +#+)?$' <<<"$output")" 8
	assert_equal "$(awk '/^ +[0-9.]+ ms +[0-9]+( +#+)?$/ { n += $3 } END { print n }' <<<"$output")" 1000
	# The longest bar is the most frequent time's.
	awk '/^ +[0-9.]+ ms +[0-9]+( +#+)?$/ { if ($3 > most) { most = $3; bar = length($4) } else if (length($4) > bar) exit 1 }
		END { exit bar != 40 }' <<<"$output"
	probe --attempts 1000 --interval 0 127.0.0.1:80
	refute_contains "$output" '##'
}
