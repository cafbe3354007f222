#!/usr/bin/env bats
# What a listing costs, in figures that do not move with the load of the machine: user
# instructions (callgrind) and system calls (strace). BUILD is the build directory.

setup_file() {
	export figures="$BATS_FILE_TMPDIR/figures"
	export measured=0
	"$BATS_TEST_DIRNAME/inspect" --build "$BUILD" --rows counts --tsv \
		>"$figures" 2>"$figures.err" || measured=$?
}

setup() {
	if [ "$measured" = 77 ]; then
		skip "$(<"$figures.err")"
	fi
	if [ "$measured" -gt 1 ] || ! [ -s "$figures" ]; then
		cat "$figures.err"
		return 1
	fi
}

# within WORK: its measured figure is not above its goal.
within() {
	awk -F '\t' -v work="$1" '
		$1 == work {
			found = 1
			printf "%s: %s, goal %s\n", $1, $5, $6
			missed = !($5 <= $6)
		}
		END { exit !found || missed }' "$figures"
}

@test "a row of the table costs few user instructions" {
	within "user instructions a socket, table"
}

@test "a row with every detail costs few user instructions" {
	within "user instructions a socket, every detail"
}

@test "a listing of ten thousand sockets makes few system calls" {
	within "system calls, table, 1 CPU"
}

@test "a listener, though it is read twice, costs few user instructions" {
	within "user instructions a listener"
}
