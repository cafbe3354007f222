#!/usr/bin/env bats
# The floors of the house: includes only go down, and only the top floor speaks and exits.

load ../lib/helpers

setup() {
	cd "$TOP/src" || return
}

# The folders that a folder's quoted includes name, one "FILE FOLDER" a line.
includes() { # FOLDER
	find "$1" -maxdepth 1 -name '*.[ch]' -exec grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+"' {} + |
		sed -E 's|:[^"]*"([^"]*)/[^"/]*"|\t\1|'
}

# What a folder may include beside itself and base; FLOOR/* are all folders of a floor.
allowed() { # FOLDER FOLDER...
	local folder=$1 file to may bad=0
	echo "$folder" >>"$BATS_FILE_TMPDIR/folders"
	while IFS=$'\t' read -r file to; do
		for may in base "$@"; do
			# shellcheck disable=SC2053 # a pattern
			[[ $to == $may ]] && continue 2
		done
		echo "$file includes $to/"
		bad=1
	done < <(includes "$folder")
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
	run includes net/probe
	assert_line --regexp $'^net/probe/[a-z_]+\\.[ch]\tnet/socket$'
	mkdir -p "$BATS_TEST_TMPDIR/net/relay"
	cd "$BATS_TEST_TMPDIR" || return
	echo '#include "net/probe/probe.h"' >net/relay/a.c
	run allowed net/relay model 'model/*' net/socket
	assert_failure
	assert_output 'net/relay/a.c includes net/probe/'
}

@test "base includes nothing above it" {
	allowed base
}

@test "model includes only base; its folders go core, target, http; field, filter; cause, counter; answer, finding; rule" {
	allowed model
	allowed model/target model
	allowed model/http model
	allowed model/field model
	allowed model/filter model model/field
	allowed model/cause model
	allowed model/counter model
	allowed model/answer model model/cause model/counter
	allowed model/finding model model/filter model/cause model/counter model/answer
	allowed model/rule model model/filter model/cause model/counter model/answer model/finding
}

@test "kernel includes only model and base; its folders go netlink, proc, path, read, then the rest" {
	allowed kernel/netlink model 'model/*'
	allowed kernel/bpf model 'model/*'
	allowed kernel/proc model 'model/*' kernel/netlink kernel/bpf
	allowed kernel/path model 'model/*' kernel/proc
	allowed kernel/read model 'model/*' kernel/netlink kernel/proc
	allowed kernel/watch model 'model/*' kernel/netlink kernel/proc kernel/read
	allowed kernel/evidence model 'model/*' kernel/netlink kernel/proc kernel/path kernel/read
	allowed kernel/explain model 'model/*' kernel/netlink kernel/proc kernel/path kernel/read
}

@test "net includes only model and base; relay and probe never meet, scan is on probe" {
	allowed net/socket model 'model/*'
	allowed net/relay model 'model/*' net/socket
	allowed net/role model 'model/*' net/socket net/relay
	allowed net/lab model 'model/*' net/socket net/relay net/role
	allowed net/probe model 'model/*' net/socket
	allowed net/scan model 'model/*' net/socket net/probe
}

@test "view includes only model and base" {
	allowed view model 'model/*'
}

@test "cmd includes only the floors below it; its commands do not know each other" {
	local below=(model 'model/*' 'kernel/*' 'net/*' view)
	allowed cmd "${below[@]}"
	allowed cmd/inspect "${below[@]}" cmd
	allowed cmd/traffic "${below[@]}"
	allowed cmd/endpoint "${below[@]}" cmd cmd/traffic
	allowed cmd/probe "${below[@]}" cmd
	allowed cmd/porcelain "${below[@]}" cmd 'cmd/*'
}

@test "every folder has its line above" {
	run bash -c 'find . -mindepth 2 -name "*.[ch]" -printf "%h\n" | sed "s|^\./||" | sort -u |
		grep -vxFf "$1"' _ "$BATS_FILE_TMPDIR/folders"
	assert_output ''
}

@test "private headers are included in their folder only" {
	run bash -c 'grep -rnoE "#[[:space:]]*include[[:space:]]+\"[^\"]+_private\.h\"" --include="*.[ch]" . |
		sed -E "s|^\./||" | awk -F "[:\"]" "{ f = \$1; h = \$4; sub(/\/[^\/]*\$/, \"\", f); sub(/\/[^\/]*\$/, \"\", h) } f != h"'
	assert_output ''
	run bash -c 'grep -rlE "include \"model/filter/(lex|term)" --include="*.[ch]" . | grep -v "^\./model/filter/"'
	assert_output ''
}

@test "no two headers share a name" {
	run bash -c 'find . -name "*.h" -printf "%f\n" | sort | uniq -d'
	assert_output ''
}

@test "no folder has more than 22 .c files" {
	run bash -c 'find . -name "*.c" -printf "%h\n" | sort | uniq -c | awk "\$1 > 22"'
	assert_output ''
}

@test "no files lead to each other in a circle" {
	run "$TOP/tests/lib/circles" . "$BUILD"
	assert_success
	assert_output ''
}

@test "the check of circles finds one" {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p src/base build/src/CMakeFiles/x.dir/base
	echo 'void b(void); void a(void); void a(void) { b(); }' >src/base/a.c
	echo 'void b(void); void a(void); void b(void) { a(); }' >src/base/b.c
	echo 'void b(void); void c(void); void c(void) { b(); }' >src/base/c.c
	for name in a b c; do
		gcc -c "src/base/$name.c" -o "build/src/CMakeFiles/x.dir/base/$name.c.o"
	done
	run "$TOP/tests/lib/circles" src build
	assert_success
	assert_output 'base/a.c base/b.c'
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
