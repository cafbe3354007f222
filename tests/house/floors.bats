#!/usr/bin/env bats
# The floors of the house: includes only go down, and only the top floor speaks and exits.

load ../lib/helpers

setup() {
	cd "$TOP/src" || return
}

# The floors that a file's quoted includes name, one "FILE FLOOR" a line.
includes() { # FLOOR
	[[ -d $1 ]] || return 0
	find "$1" -name '*.[ch]' -exec grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+"' {} + |
		sed -E 's|:[^"]*"([^"/]*)/?[^"]*"|\t\1|'
}

allowed() { # FLOOR ALLOWED...
	local floor=$1 file to bad=0
	shift
	while IFS=$'\t' read -r file to; do
		[[ " $floor $* " == *" $to "* ]] && continue
		echo "$file includes $to/"
		bad=1
	done < <(includes "$floor")
	return $bad
}

@test "every source file is on a floor" {
	run find . -name '*.[ch]' -not -path './base/*' -not -path './model/*' -not -path './kernel/*' \
		-not -path './net/*' -not -path './view/*' -not -path './cmd/*' -not -path './main.c'
	assert_output ''
}

@test "the check of the include direction sees includes" {
	run includes base
	assert_line --regexp $'^base/[a-z_]+\\.[ch]\tbase$'
	run includes cmd
	assert_line --regexp $'^cmd/[a-z_/]+\\.[ch]\tbase$'
}

@test "base includes nothing above it" {
	allowed base
}

@test "model includes only base" {
	allowed model base
}

@test "kernel includes only model and base" {
	allowed kernel model base
}

@test "net includes only model and base" {
	allowed net model base
}

@test "view includes only model and base" {
	allowed view model base
}

@test "cmd includes only the floors below it" {
	allowed cmd view kernel net model base
}

@test "project headers are included by their path from src" {
	run grep -rnE '#[[:space:]]*include[[:space:]]+"[^"/]*"' --include='*.[ch]' .
	assert_output ''
}

# Calls with a word boundary before them; comments and strings are taken out first.
calls_below_cmd() { # REGEX
	local file
	find base model kernel net view -name '*.[ch]' 2>/dev/null | while read -r file; do
		gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null |
			sed -E 's/"([^"\\]|\\.)*"/""/g' |
			grep -nE "(^|[^A-Za-z0-9_])($1)" | sed "s|^|$file: |"
	done
}

@test "nothing below cmd writes to stdout or stderr with stdio" {
	run calls_below_cmd 'stderr|perror *\(|printf *\(|puts *\(|putchar *\(|warnx? *\(|errx? *\('
	assert_output ''
}

@test "nothing below cmd exits" {
	run calls_below_cmd '_?_?exit *\(|quick_exit *\(|_Exit *\('
	# But for a child that searches, whose exit code is the answer.
	assert_output --regexp '^net/probe/pattern\.c: [0-9]+:[[:space:]]*_exit\(matches\([^[:cntrl:]]*$'
	assert_equal "${#lines[@]}" 1
}

@test "the check of calls finds a call that is there" {
	run calls_below_cmd 'abort *\('
	assert_line --partial 'base/mem.c'
}

@test "no source file has more than 600 lines" {
	run bash -c "find . ../tests \( -name '*.[ch]' -o -name '*.bats' -o -name '*.bash' \) -print0 |
		xargs -0 wc -l | awk '\$2 != \"total\" && \$1 > 600'"
	assert_output ''
}

# Names of the writable objects in compiled code; what a sanitizer adds is its own.
mutable_objects() { # FILE...
	objdump -t "$@" |
		awk '$3 == "O" && $4 ~ /^\.(data|bss)/ && $4 !~ /^\.data\.rel\.ro/ { print $NF }' |
		grep -vE '^(__|\.L|\*\.L|_?asan)' || true
}

@test "the check of mutable state sees a static buffer" {
	echo 'char *f(void); char *f(void) { static char buffer[9]; return buffer; }' |
		gcc -x c -c - -o "$BATS_TEST_TMPDIR/f.o"
	run mutable_objects "$BATS_TEST_TMPDIR/f.o"
	assert_output --regexp '^buffer\.[0-9]+$'
}

# The second is what must not stay behind: a signal handler has no other way to it.
@test "the only mutable state of the compiled floors is the signal flag and the list of leave.c" {
	local name
	mutable_objects "${SOCKCTL%/*}"/src/libsockctl_*.a >"$BATS_TEST_TMPDIR/names"
	while read -r name; do
		[[ $name != leave_list ]] || continue
		grep -rqE "volatile sig_atomic_t ${name%.*}\b" . || fail "$name is mutable"
	done <"$BATS_TEST_TMPDIR/names"
}
