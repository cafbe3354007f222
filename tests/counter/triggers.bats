#!/usr/bin/env bats
# Each row of the counters made to rise for real, and noted by inspect; or bank.tsv says why not.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

BANK=$TOP/tests/counter/bank.tsv

# "SCENARIO ID..." of each scenario of the bank.
scenarios() {
	awk -F '\t' '$2 !~ /^argued: / { s = $2; rises = sub(/~$/, "", s) ? "~" : ""; ids[s] = ids[s] " " $1 rises }
		END { for (s in ids) print s ids[s] }' "$BANK"
}

# What is wrong with a bank, one complaint a line.
bank_faults() { # BANK
	"$SOCKCTL" porcelain counters | awk -F '\t' '$2 == "judged" { print $1 }' >"$BATS_TEST_TMPDIR/ids"
	sed -n 's/^def \([a-z0-9_]*\)(w):$/\1/p; s/^SCENARIOS\["\([a-z0-9_]*\)"\].*/\1/p' "$TOP/tests/lib/drops" \
		>"$BATS_TEST_TMPDIR/scenarios"
	awk -F '\t' -v dir="$BATS_TEST_TMPDIR" '
		FILENAME == dir "/ids" { id[$1]; next }
		FILENAME == dir "/scenarios" { scenario[$1]; next }
		NF != 2 || !($1 in id) { print $1 ": no counter that is judged"; next }
		{ proven[$1]; s = $2; sub(/~$/, "", s) }
		/\targued: / { if (split($2, words, " ") < 6) print $1 ": no reason"; next }
		!(s in scenario) && s !~ /^udp(lite)?6?$/ { print $1 ": no scenario " s }
		END { for (i in id) if (!(i in proven)) print i ": neither triggered nor argued" }
	' "$BATS_TEST_TMPDIR/ids" "$BATS_TEST_TMPDIR/scenarios" "$1"
}

@test "each counter that is judged is made to rise, or why not is said" {
	run bank_faults "$BANK"
	assert_output ''
	assert_equal "$(<"$BANK")" "$(LC_ALL=C sort "$BANK")"
	assert_int "$(grep -vc argued "$BANK") > 110"
}

@test "a row without a trigger, a trigger without a row and an empty reason are refused" {
	grep -v '^TcpExtListenDrops' "$BANK" >"$BATS_TEST_TMPDIR/bank"
	printf 'TcpNeverHeardOf\trefused\nTcpOutRsts\tnever_written\nTcpInErrs\targued: no\n' >>"$BATS_TEST_TMPDIR/bank"
	run bank_faults "$BATS_TEST_TMPDIR/bank"
	assert_equal "$(sort <<<"$output")" 'TcpExtListenDrops: neither triggered nor argued
TcpInErrs: no reason
TcpNeverHeardOf: no counter that is judged
TcpOutRsts: no scenario never_written'
}

@test "inspect notes each of them while it rises" {
	skip_unless_root
	assert_int "$(scenarios | wc -l) > 35"
	run xargs -P 4 -L 1 "$TOP/tests/lib/dropped" < <(scenarios)
	assert_output ''
	assert_status 0
}

@test "what does not rise is not noted" {
	skip_unless_root
	WITHIN=1 run "$TOP/tests/lib/dropped" refused TcpAttemptFails TcpExtListenDrops TcpInErrs~
	assert_regex "$output" '^refused: not seen: (TcpExtListenDrops TcpInErrs~|TcpInErrs~ TcpExtListenDrops)$'
}

# Looks while the load runs, for a second, and each must be without a note of a counter.
no_note_under() { # CMD...
	local end=$((SECONDS + 2)) load looks=0
	load_on "$@" 3>&- &
	load=$!
	while ((SECONDS < end || looks < 3)); do
		inspect -tu --json --findings=all --allow-empty
		assert_equal "$(jq -c 'select(.id == "counter-rising") | [.where, .figures]' <<<"$output")" ''
		looks=$((looks + 1))
	done
	touch "$DIR/enough"
	await_end "$load"
}

@test "healthy servers under load make no counter rise too fast" {
	netns
	servers_dir
	nginx_on 8080
	redis_on 6379
	until_shown -l --port 8080
	until_shown -l --port 6379
	no_note_under wrk -t1 -c20 -d1s -H 'Connection: close' http://127.0.0.1:8080/
	rm "$DIR/enough"
	no_note_under redis-benchmark -q -n 20000 -c 50 -P 4 -t set,get
}

noted_beside() {
	inspect -t --json --findings --allow-empty
	[[ $(jq -r 'select(.id == "counter-rising") | .where' <<<"$output") == $'TcpAttemptFails\nTcpOutRsts' ]]
}

@test "a counter is noted beside another finding, and not alone" {
	skip_unless_root
	netns
	spawn "${NS[@]}" "$TOP/tests/lib/drops" refused
	await_line '^ready$'
	inspect -t --json --findings --allow-empty
	assert_json 'map(select(.type == "finding")) == []'
	mk listen:port=80,backlog=1,queued=2
	until_true noted_beside
	assert_json 'map(select(.type == "finding") | .severity) | . == ["critical", "note", "note"]'
	assert_json 'map(select(.id == "counter-rising") | .figures.rose >= 10 and .figures.per_second >= 10) | all'
	assert_valid
	inspect -t --findings
	assert_contains "$stderr" 'note      counter-rising  TcpOutRsts' ' a second; healthy: up to 10 % of TcpInSegs.'
}

@test "probe and connect in vain tell what this host counted meanwhile, and only that" {
	skip_unless_root
	netns
	spawn "${NS[@]}" "$TOP/tests/lib/drops" tcp_damaged
	await_line '^ready$'
	local drops=$PID
	sockctl probe -T 1500ms 10.7.0.2:99
	assert_status 4
	assert_regex "$output$stderr" 'while this probe waited, this host dropped [0-9]+ TCP segments with a malformed header \(TcpInErrs\); this host dropped [0-9]+ TCP segments with a wrong checksum \(TcpInCsumErrors\)'
	refute_contains "$output$stderr" 'reverse path filter'
	sockctl connect -T 1500ms 10.7.0.2:99 </dev/null
	assert_status 4
	assert_regex "$stderr" 'a firewall drops it, or the host is down; while connect waited, this host dropped [0-9]+ TCP segments with a malformed header \(TcpInErrs\); this host dropped [0-9]+ TCP segments with a wrong checksum \(TcpInCsumErrors\)'
	kill "$drops"
	await_end "$drops" 143
	sockctl probe -T 1500ms 10.7.0.2:99
	refute_contains "$output$stderr" 'while this probe waited'
	sockctl connect -T 1500ms 10.7.0.2:99 </dev/null
	refute_contains "$stderr" 'while connect waited'
}
