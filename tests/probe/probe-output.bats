#!/usr/bin/env bats
# What a probe says and how it ends: figures held against a computation of their own, exit
# codes of several targets, the command that follows, terminals.

load ../lib/helpers
load ../lib/probe

setup() {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=4000
}

# The summary's figures against those of its own attempts, computed by python.
assert_figures_agree() {
	"$TOP/tests/lib/figures" <<<"$output"
}

@test "statistics: count, min, avg, percentiles, deviation, jitter and loss are those of the attempts" {
	probe --attempts 400 --interval 0 --json 127.0.0.1:80
	assert_clean
	assert_figures_agree
	probe --attempts 2 --interval 0 --json 127.0.0.1:80
	assert_figures_agree
	probe --json 127.0.0.1:80
	assert_figures_agree
}

@test "statistics: the answers of a server that fails now and then" {
	# Every third connection is refused; those are in no latency, and counted as lost.
	nft_rule input 'tcp dport 80 tcp flags syn numgen inc mod 3 == 0 reject with tcp reset'
	probe --attempts 90 --interval 0 --json 127.0.0.1:80
	assert_figures_agree
	assert_json '.[-1] | .attempts == 90 and .open == 60 and .outcomes == {"open": 60, "refused": 30}
		and .rtt_us.count == 60'
	probe --attempts 90 --interval 0 127.0.0.1:80
	assert_line '  60 open, 30 refused, 33.3 % failed'
	assert_line --regexp ' 60 of 90$'
}

@test "statistics: for people the same figures in milliseconds" {
	probe --attempts 50 --interval 0 127.0.0.1:80
	assert_clean
	assert_line --regexp '^127.0.0.1:80  open  rtt [0-9.]+/[0-9.]+/[0-9.]+ ms  50 of 50$'
	local name
	for name in 'rtt \(kernel\) ' 'connect \(clock\)'; do
		assert_line --regexp "^  $name +min [0-9]+\.[0-9]{3}  avg [0-9]+\.[0-9]{3}  p50 [0-9]+\.[0-9]{3}  p90 [0-9]+\.[0-9]{3}  p99 [0-9]+\.[0-9]{3}  max [0-9]+\.[0-9]{3}  stddev [0-9]+\.[0-9]{3}  jitter [0-9]+\.[0-9]{3} ms$"
	done
}

# Runs on a terminal of its own, which has what stdout and stderr say.
on_terminal() { # CMD...
	run --separate-stderr in_ns env TERM=xterm script --quiet --return --echo never --command "$(printf '%q ' "$@")" /dev/null
	output=${output//$'\r'/}
	mapfile -t lines <<<"$output"
}

@test "a terminal has a histogram and colours, a pipe has neither" {
	on_terminal "$SOCKCTL" probe --attempts 300 --interval 0 127.0.0.1:80
	assert_status 0
	assert_equal "${#lines[@]}" 12
	assert_contains "^${lines[0]}" $'^127.0.0.1:80  \e[32mopen\e[0m  rtt '
	# Eight steps from the least to the most; all 300 are in them, the longest has 40 marks.
	local line sum=0 longest=0 bars
	for line in "${lines[@]:3:8}"; do
		assert_regex "$line" '^ +[0-9.]+ ms +([0-9]+)(  (#+))?$'
		sum=$((sum + BASH_REMATCH[1]))
		bars=${BASH_REMATCH[3]}
		((${#bars} <= longest)) || longest=${#bars}
	done
	assert_int 'sum == 300 && longest == 40'
	assert_equal "${lines[11]}" '  300 open, 0.0 % failed'
	on_terminal "$SOCKCTL" probe --color never --attempts 300 --interval 0 127.0.0.1:80 127.0.0.1:81
	refute_contains "$output" $'\e['
	assert_contains "$output" '##'
	probe --attempts 300 --interval 0 127.0.0.1:80
	refute_contains "$output" $'\e'
	refute_contains "$output" '##'
}

@test "exit codes: the worst of several targets, the best port of one" {
	local codes line want
	nft_rule input 'tcp dport 90-95 drop'
	while read -r want line; do
		# shellcheck disable=SC2086 # words
		probe -q -T 200ms $line
		# Only 3 has a word, for what to do does not follow from the code.
		if ((status != want)) || [[ -n $output ]] ||
			{ ((want == 3)) && [[ $stderr != *": bind 10.1.2.3"* ]]; } ||
			{ ((want != 3)) && [[ -n $stderr ]]; }; then
			echo "$line: want $want, got $status: $output $stderr" >&2
			return 1
		fi
	done <<-'END'
		0 127.0.0.1:80
		1 127.0.0.1:81
		4 127.0.0.1:90
		3 --source 10.1.2.3 127.0.0.1:80
		1 127.0.0.1:80 127.0.0.1:81
		4 127.0.0.1:81 127.0.0.1:90
		4 127.0.0.1:90 127.0.0.1:81 127.0.0.1:80
		0 127.0.0.1:80,81,90
		4 127.0.0.1:81,90
		1 127.0.0.1:81-83
		0 127.0.0.1:80,81 127.0.0.1:82,80
		1 127.0.0.1:80,81 127.0.0.1:82,83
		0 127.0.0.1:70-99
		1 127.0.0.1:60-79
		4 127.0.0.1:60-79,90
		4 127.0.0.1:60-79,90-95 127.0.0.1:81
		0 127.0.0.1:60-80 127.0.0.1:80
		1 127.0.0.1:60-80 127.0.0.1:81
		1 127.0.0.1:80 /nowhere/at/all
		0 --attempts 3 --interval 0 127.0.0.1:80,81
		1 --attempts 3 --interval 0 127.0.0.1:80 127.0.0.1:81
		0 --wait 2s --any 127.0.0.1:81 127.0.0.1:80
		4 --wait 50ms 127.0.0.1:81 127.0.0.1:80
		0 --wait 30s --down 127.0.0.1:81 127.0.0.1:90
		4 --wait 50ms --down 127.0.0.1:81 127.0.0.1:80
	END
}

@test "the command after --: its exit code and its stdout are its own" {
	probe 127.0.0.1:80 -- sh -c 'echo out; exit 7'
	assert_status 7
	assert_equal "$output" out
	assert_contains "$stderr" '127.0.0.1:80  open '
	probe -q --wait 5s 127.0.0.1:80 -- cat /dev/null -
	assert_clean
	probe --json 127.0.0.1:80 -- echo started
	assert_status 0
	assert_equal "$output" started
	assert_json_in "$stderr" 'length == 2'
	probe -q 127.0.0.1:80 -- /nowhere/at/all
	assert_refused 127 "cannot run '/nowhere/at/all': No such file or directory"
	probe --wait 50ms 127.0.0.1:81 -- echo started
	assert_status 4
	assert_equal "$output" ''
	assert_contains "$stderr" '127.0.0.1:81 is refused'
	probe --attempts 0 127.0.0.1:80 -- true
	assert_refused 2 'needs an end'
}

@test "addresses from standard input, beside those of the command line" {
	run --separate-stderr in_ns "$SOCKCTL" probe --targets - --json 127.0.0.1:82 <<-'END'
		127.0.0.1:80
		# a comment
		  127.0.0.1:81   # another
	END
	assert_status 1
	assert_equal "$stderr" ''
	assert_json 'map(select(.type == "summary") | .port) == [82, 80, 81]'
}

# Each command line of the manual and of --help, shortened in time; what is not there may be
# missed, but nothing may be refused.
@test "the examples of the manual and of --help are accepted" {
	local line n=0
	export SOCKCTL
	while IFS= read -r line; do
		line=${line//30s/50ms}
		run --separate-stderr in_ns timeout 20 sh -c "${line/#sockctl probe/\"\$SOCKCTL\" probe -T 50ms}"
		# 127: the example's own command is not here.
		if ((status == 2 || status >= 100)) &&
			{ ((status != 127)) || [[ $stderr != *"cannot run './start-server'"* ]]; }; then
			echo "$line: $status $stderr" >&2
			return 1
		fi
		n=$((n + 1))
	done < <(
		sed -n '/^\.Sh EXAMPLES/,/^\.Ed/s/^\(sockctl probe .*\)/\1/p' "$TOP/man/sockctl-probe.1" | sed 's/\\e/\\/g'
		"$SOCKCTL" probe --help | sed -n 's/^  \(sockctl probe .*\)/\1/p'
	)
	assert_int 'n >= 10'
}

@test "habits of other tools: done, or answered with the right spelling" {
	local words want
	probe -nzv -w 1 127.0.0.1:80
	assert_success
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086 # words
		probe $words
		assert_refused 2 "$want"
	done <<-'END'
		-c 4 127.0.0.1:80|--attempts N
		-i 1 127.0.0.1:80|--interval DUR
		-p 80 127.0.0.1|host:80
		-U /tmp/x|unix:/PATH
		-sT 127.0.0.1:80|--syn
		db 5432|write 'db:5432'
		db 5432-5440|write 'db:5432-5440'
		::1 80|write '\[::1\]:80'
		127.0.0.1:80 -t 30|'30' is not an address
		--wait 0 127.0.0.1:80|within 0
	END
}

@test "so many at once, so many a second" {
	local i targets=()
	nft_rule input 'tcp dport 90-95 drop'
	probe --json -T 100ms --parallel 1 127.0.0.1:90 127.0.0.1:91 127.0.0.1:92
	assert_status 4
	# One after the other, in their order.
	assert_json 'map(select(.type == "attempt").port) == [90, 91, 92]'
	for ((i = 0; i < 20; i++)); do targets+=(127.0.0.1:80); done
	local start=${EPOCHREALTIME/./}
	probe -q --rate 50/s "${targets[@]}"
	assert_clean
	assert_int "${EPOCHREALTIME/./} - start >= 380000"
}

@test "many that are waited for in vain: the first are told, the others counted" {
	probe --wait 50ms 127.0.0.1:100-139
	assert_status 4
	assert_equal "$(grep -c ' is refused: ' <<<"$stderr")" 16
	assert_contains "$stderr" $'\nsockctl probe: 24 more were waited for in vain\n'
}

@test "bad input: the place is marked, for options and addresses" {
	local words mark
	while read -r mark words; do
		# shellcheck disable=SC2086 # words
		eval "probe $words"
		[[ $status == 2 && -z $output ]] || { echo "$words: $status $output" >&2 && return 1; }
		# The caret stands below the byte, two blanks in.
		if [[ ${stderr_lines[2]} != "$(printf "%*s^" $((mark + 2)) '')" ]]; then
			echo "$words: ${stderr_lines[*]}" >&2
			return 1
		fi
	done <<-'END'
		10 127.0.0.1:80-70
		13 127.0.0.1:80,,90
		13 127.0.0.1:80,x
		12 127.0.0.1:1-70000
		9 127.0.0.1
		0 sctp:127.0.0.1:80
		0 ::1:80
		0 http://127.0.0.1:80/
		1 --timeout=1x 127.0.0.1:80
		1 --expect='/a(/' 127.0.0.1:80
		1 --expect='/a{2,1}/' 127.0.0.1:80
		1 --rate=5/h 127.0.0.1:80
	END
	probe --max 60001 --measure-backlog 127.0.0.1:80
	assert_refused 2 'max'
	probe -z 127.0.0.1 80
	assert_refused 2 "write '127.0.0.1:80'"
}
