#!/usr/bin/env bats
# Every remedy that can be printed is obeyed by a test, or argued: remedy/bank.tsv has a line for
# each row of the advice, each cause and each finding.

load ../lib/helpers

ids() {
	"$SOCKCTL" porcelain advice | sed 's/^/advice\t/'
	"$SOCKCTL" porcelain meanings | awk -F '\t' -v OFS='\t' '$2 == "bind" || $2 == "connect" || $2 == "finding" { print $2, $1 }'
}

setup() {
	IDS=$BATS_TEST_TMPDIR/ids BANK=$BATS_TEST_TMPDIR/bank
	ids >"$IDS"
	cp "$TOP/tests/remedy/bank.tsv" "$BANK"
}

check() {
	run "$TOP/tests/lib/remedies" "$IDS" "$BANK" "$TOP/tests"
}

@test "the bank of remedies has each id of the program, and a test or a reason for it" {
	assert_int "$(wc -l <"$IDS") > 80"
	check
	assert_output ''
	assert_status 0
}

@test "the bank is sorted, so that two additions meet nowhere" {
	assert_equal "$(<"$BANK")" "$(LC_ALL=C sort "$BANK")"
}

@test "an id without a line is refused, and a line without an id" {
	printf 'bind\tnew-cause\n' >>"$IDS"
	check
	assert_status 1
	assert_output 'bind new-cause: no remedy of it is obeyed or argued'
	ids >"$IDS"
	printf 'finding\tgone\targued: it is not there any more\n' >>"$BANK"
	check
	assert_status 1
	assert_output --partial 'finding gone: the program has no such id'
}

@test "what names no test, a test that obeys nothing, or no reason is refused" {
	printf 'bind\tlistener\t%s\n' 'advice: there is no such test' \
		'remedies: an id without a line is refused, and a line without an id' 'argued: too short' >>"$BANK"
	printf 'bind listener\n' >>"$BANK"
	check
	assert_status 1
	assert_equal "${#lines[@]}" 4
	assert_output --partial "bind listener: there is no test 'there is no such test' in advice.bats"
	assert_output --partial "bind listener: 'an id without a line is refused, and a line without an id' obeys nothing"
	assert_output --partial 'bind listener: does not say why nothing is run'
	assert_output --partial 'not KIND, ID and PROOF between tabs'
}
