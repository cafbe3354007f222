#!/usr/bin/env bats
# How the tests are written: what one claims says what there was where it is not so, and no pause
# is without a name and an end.

load ../lib/helpers

@test "no test claims by a bare condition, and none waits by itself" {
	run "$TOP/tests/lib/bare-claims" "$TOP"/tests/*/*.bats "$TOP"/tests/lib/*.bash
	assert_output ''
	assert_status 0
}

# One more piece of text; AT is the number of the line that follows it.
plant() { # TEXT
	printf '%s\n' "$1" >>"$BATS_TEST_TMPDIR/planted.bats"
	AT=$(($(wc -l <"$BATS_TEST_TMPDIR/planted.bats") + 1))
}

@test "the check finds a bare claim, wherever it stands" {
	local claim want=()
	AT=1
	for claim in '[[ $output == x ]]' '! [[ -e file ]]' '((status == 0))' '(($(f "$x" | awk "{ print }") < 5))' \
		'[ -s file ]' 'test -s file' '[[ $a == b && $c == d ]]' $'[[ $a == b &&\n\t\t$c == d ]]' \
		'jq -es .complete <<<"$output"' $'jq -e \'.a or\n\t\t.b\' file' 'tail -n 1 file | jq -e .a' \
		'wait "$pid"' 'wait' 'read -r -t 1 <> <(:) || true' 'sleep 1'; do
		want+=($((AT + 1)))
		plant $'@test "it" {\n\t'"$claim"$'\n}'
		want+=($((AT + 2)))
		plant $'f() {\n\tfor i in 1 2; do\n\t\t'"$claim"$'\n\tdone\n}'
		want+=($((AT + 5)))
		plant $'@test "it" {\n\tcat <<-\'END\'\n\t\tit\'s\n\tEND\n\tx=$\'\\\'\' # it\'s\n\t'"$claim"$'\n\ttrue\n}'
	done
	run "$TOP/tests/lib/bare-claims" "$BATS_TEST_TMPDIR/planted.bats"
	assert_status 1
	assert_equal "$(sed -E 's/.*planted\.bats:([0-9]+): .*/\1/' <<<"$output")" "$(printf '%s\n' "${want[@]}")"
}

@test "the check leaves alone what is no claim" {
	local text
	for text in '[[ $a == b ]] || fail "$a"' '((n < 3)) && n=5' $'[[ $a == b ]] ||\n\t\tskip' 'if [[ $a ]]; then' \
		'until ((n > 3)); do' '((++n))' '((n += 2))' 'wait "$pid" || code=$?' 'echo "[[ $a ]]"' \
		"awk '"$'\n\t((x))\n\t'"'" $'cat <<END\n[[ x ]]\nEND' '# [[ $a ]]' 'jq -e .a file || fail' 'until_true jq -e .a file'; do
		plant $'@test "it" {\n\t'"$text"$'\n}'
	done
	plant $'f() {\n\ttrue\n\t[[ $1 == x ]]\n}'
	run "$TOP/tests/lib/bare-claims" "$BATS_TEST_TMPDIR/planted.bats"
	assert_output ''
	assert_status 0
}

@test "a claim that is not so fails, and says what there was" {
	local seen=(1 2)
	run echo '{"a":1}'
	assert_json '.[0].a == 1'
	run ! assert_json '.[0].a == 2'
	assert_output --partial 'of: {"a":1}'
	run ! assert_json_in '' '.[0].a == 1'
	run ! assert_json_in '{' true
	assert_status 1
	run ! assert_status 0
	assert_output --partial 'exit code 1, not 0'
	assert_int 'seen[1] == 2 && status == 1'
	run ! assert_int 'seen[1] < 2'
	assert_output 'not so: seen[1] < 2; seen[1]=2'
	assert_contains 'one two three' one three
	run ! assert_contains 'one two three' three one
	assert_output --partial "no 'one' in"
	refute_contains 'one two' three
	run ! refute_contains 'one two' three two
	assert_output "there is 'two' in: one two"
}

@test "await_end claims the code, once, and waits only so long" {
	local told=$BATS_TEST_TMPDIR/told pid
	bash -c 'exit 3' &
	pid=$!
	if await_end $pid 2>"$told"; then fail 'it ended with 3'; fi
	assert_equal "$(<"$told")" "process $pid ended with 3, not 0"
	bash -c 'exit 3' &
	await_end $! '0|3'
	spawn cat
	END_WITHIN=0
	run ! await_end "$PID"
	assert_output "process $PID still runs after 0 s"
}

@test "a document that the schema refuses fails the test that has printed it" {
	local planted=$BATS_TEST_TMPDIR/planted.bats
	# bats would take a line that begins with @test for one of this file's.
	sed 's/^TEST/@test/' >"$planted" <<-END
		load $TOP/tests/lib/helpers
		TEST "valid" {
			run echo '{"v":1,"type":"end","rows":0,"complete":true}'
			assert_valid
		}
		TEST "not valid" {
			assert_valid '{"v":1,"type":"end","rows":"none","complete":true}'
		}
		TEST "none" {
			assert_valid ''
		}
	END
	SOCKCTL=$SOCKCTL run bats --tap "$planted"
	assert_line 'ok 1 valid'
	assert_line 'not ok 2 not valid'
	assert_output --partial 'line 1: $: '
	assert_line 'not ok 3 none'
}

@test "a row is held against all values that are named" {
	load ../lib/inspect
	F[x.one.cookie]=7
	run echo '{"type":"socket","cookie":"7","state":"LISTEN","uid":0,"peer":null,"path":"a=b"}'
	assert_row x.one state=LISTEN uid=0 peer=null path=a=b
	local row=$output
	run ! assert_row x.one state=LISTEN uid=1 peer=0
	assert_output --partial 'x.one: not uid=1, not peer=0 in {'
	run echo "$row"
	run ! assert_row x.one pid=null
	assert_output --partial 'x.one: not pid=null'
	run echo "$row"
	run ! assert_row x.two state=LISTEN
	assert_output 'mksock told of no x.two'
}
