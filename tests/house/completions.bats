#!/usr/bin/env bats
# What the shells offer: bash, zsh and fish complete for real, and ask this program.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/home"
	ln -s "$SOCKCTL" "$BATS_TEST_TMPDIR/bin/sockctl"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	export HOME=$BATS_TEST_TMPDIR/home TERM=dumb
}

# What a shell offers at the end of a line, one a line: in the namespace of the test, if it
# has one.
offers() { # bash|zsh|fish LINE
	local inside=()
	((${#NS[@]})) && inside=("${NS[@]}")
	case $1 in
	bash) "${inside[@]}" "$TOP/tests/lib/bash-offers" "$TOP/completions/sockctl.bash" "$2" ;;
	zsh) "${inside[@]}" timeout 60 "$TOP/tests/lib/zsh-offers" "$TOP/completions" "$2" ;;
	fish) "${inside[@]}" fish --no-config -c \
		"source '$TOP/completions/sockctl.fish'; complete -C \"\$argv\"" "$2" | cut -f1 ;;
	esac | sort -u
}

# Each shell offers these words, and those alone.
assert_offers() { # LINE WORD...
	local shell
	for shell in bash zsh fish; do
		assert_equal "$shell: $(offers $shell "$1" | paste -sd ' ')" "$shell: $(printf '%s\n' "${@:2}" | sort | paste -sd ' ')"
	done
}

# Each shell offers these words, among others.
assert_among_offers() { # LINE WORD...
	local shell word
	for shell in bash zsh fish; do
		run offers $shell "$1"
		for word in "${@:2}"; do
			assert_line "$word"
		done
	done
}

@test "commands" {
	local commands
	mapfile -t commands < <("$SOCKCTL" porcelain commands | cut -f1)
	assert_among_offers 'sockctl ' "${commands[@]}" help
	assert_offers 'sockctl insp' inspect
	assert_offers 'sockctl help insp' inspect
}

@test "options, those of the command" {
	assert_offers 'sockctl inspect --proc' --process --processes
	assert_offers 'sockctl listen --no-acc' --no-accept
	assert_offers 'sockctl inspect --no-acc'
	assert_offers 'sockctl inspect -lp --sta' --state
}

@test "choices" {
	assert_offers 'sockctl inspect --format ' json raw table
	assert_offers 'sockctl connect --color a' always auto
	run offers bash 'sockctl inspect --findings=a' # '=' ends a word there
	assert_output all
	run offers zsh 'sockctl inspect --findings=a'
	assert_output --findings=all
	run offers fish 'sockctl inspect --findings=a'
	assert_output --findings=all
	assert_offers 'sockctl inspect --explain close-' close-wait-leak
	assert_offers 'sockctl probe --explain stale-' stale-unix
	assert_offers 'sockctl connect --explain not-l' not-listening not-local
	assert_offers 'sockctl listen --explain hel' help
}

@test "states, as the user writes them, and lists of them" {
	assert_offers 'sockctl inspect --state fin_wait' fin_wait1 fin_wait2 fin_wait_1 fin_wait_2
	assert_offers 'sockctl inspect --state CLOSE_' CLOSE_WAIT
	assert_offers 'sockctl inspect --state close-' close-wait
	assert_offers 'sockctl inspect --state listen,close_' listen,close_wait
}

@test "states of the laboratory, those of the command's side" {
	assert_offers 'sockctl connect --lab FIN' FIN_WAIT1 FIN_WAIT2
	assert_offers 'sockctl listen --lab SYN' SYN_RECV
	assert_offers 'sockctl connect --lab SYN' SYN_SENT
	assert_among_offers 'sockctl listen --lab ' LISTEN-full CLOSE_WAIT help
}

@test "columns, added columns and lists of them" {
	assert_offers 'sockctl inspect -o rtt' rtt rttvar
	assert_offers 'sockctl inspect -o +rtt' +rtt +rttvar
	assert_offers 'sockctl inspect -o +rtt,cwn' +rtt,cwnd
	assert_offers 'sockctl inspect -tlo mem_f' mem_fmem
	assert_offers 'sockctl inspect --sort busy_t' busy_time
	assert_among_offers 'sockctl inspect -o ' state tcp detail help
}

@test "words of an expression" {
	assert_among_offers 'sockctl inspect ' state sport rtt established not
	assert_offers 'sockctl inspect autob' autobound
}

@test "ports that are in use, but for those that the kernel chose; lists of them" {
	netns
	mk listen:port=12345 listen:port=12399 udp:port=53 established:port=7
	assert_offers 'sockctl inspect --port ' 12345 12399 53 7
	assert_offers 'sockctl inspect --port 123' 12345 12399
	assert_offers 'sockctl inspect --port 53,123' 53,12345 53,12399
}

@test "processes that hold sockets, by number and by name" {
	netns
	# shellcheck disable=SC2016 # the name is text, and must stay so
	mk comm:name='a$(id)b' listen
	assert_offers 'sockctl inspect --pid ' "$MK_PID"
	run offers bash 'sockctl inspect --process '
	refute_output --partial uid=
	mk comm:name=mkother listen
	assert_offers 'sockctl inspect --process mk' mkother
}

@test "network namespaces, users and files" {
	local name=sockctl-test-$$
	touch "$BATS_TEST_TMPDIR/dump1" "$BATS_TEST_TMPDIR/dump2"
	cd "$BATS_TEST_TMPDIR"
	assert_offers 'sockctl inspect --from dum' dump1 dump2
	assert_among_offers 'sockctl inspect --user ro' root
	skip_unless_root "it makes a named network namespace"
	ip netns add "$name"
	assert_offers "sockctl inspect --netns $name" "$name" || {
		ip netns del "$name"
		return 1
	}
	ip netns del "$name"
}

@test "an interactive bash completes the line" {
	local line
	while IFS='|' read -r line want; do
		run timeout 60 "$TOP/tests/lib/bash-completes" "$TOP/completions" "$line"
		assert_output "$want"
	done <<-'END'
		sockctl insp\t|sockctl inspect
		sockctl inspect --stat\tclose-w\t|sockctl inspect --state close-wait
		sockctl inspect --format=js\t|sockctl inspect --format=json
		sockctl inspect --sort rtt:d\t|sockctl inspect --sort rtt:desc
		sockctl inspect --form\tra\t-H|sockctl inspect --format raw -H
	END
}

@test "without the program the shells offer nothing, and say nothing" {
	local shell
	rm "$BATS_TEST_TMPDIR/bin/sockctl"
	ln -s /bin/false "$BATS_TEST_TMPDIR/bin/sockctl"
	for shell in bash zsh fish; do
		run --separate-stderr offers $shell 'sockctl inspect --st'
		assert_output ''
		assert_equal "$stderr" ''
	done
}
