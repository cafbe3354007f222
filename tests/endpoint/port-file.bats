#!/usr/bin/env bats
# --port-file and --output: looked at before there is a port, and whose they are at the end.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "the port file goes with a server that a signal ends, while it is still ours" {
	local signal
	for signal in TERM INT HUP QUIT USR1 ALRM; do
		serve listen -k --port-file port 127.0.0.1:0
		assert_equal "$(<port)" "$ADDR"
		end_served "$signal"
		[[ ! -e port ]] || fail "left by $signal"
	done
	serve echo --port-file port udp:127.0.0.1:0
	end_served
	refute test -e port
	serve listen --port-file port --lab listen
	end_served
	refute test -e port
	# That of another server, which took its name.
	serve listen -k --port-file port 127.0.0.1:0
	local first=$PID
	serve listen -k --port-file port 127.0.0.1:0
	local second=$PID ours=$ADDR
	kill "$first"
	await_end "$first" '0|143'
	assert_equal "$(<port)" "$ours"
	PID=$second
	rm port
	ln -s elsewhere port
	echo theirs >elsewhere
	end_served
	assert_equal "$(<elsewhere)" theirs
	assert test -L port
}

@test "a server that ends by itself leaves it, and a pipe or descriptor is nobody's to remove" {
	serve listen --port-file port 127.0.0.1:0
	"$SOCKCTL" connect --send x "$ADDR"
	served
	assert_equal "$(<port)" "$ADDR"
	mkfifo pipe
	exec {HOLD}<>pipe
	serve listen -k --port-file pipe 127.0.0.1:0
	local line
	read -r -t "$READY_WITHIN" -u "$HOLD" line
	assert_equal "$line" "$ADDR"
	end_served
	assert test -p pipe
	exec {HOLD}>&-
	serve listen -k --port-file /dev/stdout 127.0.0.1:0
	assert_equal "$(<"$SERVED")" "$ADDR"
	end_served
	assert_equal "$(<"$SERVED")" "$ADDR"
}

@test "in the background it goes with the one that serves, not with the one that returns" {
	"$SOCKCTL" listen -k --background --port-file port 127.0.0.1:0 2>/dev/null 3>&-
	assert test -s port
	local pid
	pid=$(pgrep -f -- "$SOCKCTL listen -k --background --port-file port")
	PIDS+=("$pid")
	kill "$pid"
	until_true eval '[[ ! -e port ]]'
}

@test "--output DIR is looked at before it listens" {
	local proto dir want
	touch file
	for proto in tcp udp; do
		for want in none='No such file or directory' file='Not a directory' =empty; do
			dir=${want%%=*}
			run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen --output "$dir" $proto:127.0.0.1:0
			assert_status $((${#dir} == 0 ? 2 : 3))
			[[ $stderr == *"${want#*=}"* && $stderr != *listening* ]] || fail "$stderr"
		done
	done
	run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen --output none 127.0.0.1:0
	assert_refused 3 'mkdir -p -- none'
}

@test "--output DIR that may not be written is refused, too" {
	skip_unless_root "two users"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	mkdir shut
	sockctl_as_user listen --timeout "${READY_WITHIN}s" --output "$PWD/shut" 127.0.0.1:0
	assert_refused 3 'shut: Permission denied'
	refute_contains "$stderr" listening
}

@test "--output DIR stays the directory that it was, and its old files are emptied" {
	mkdir dir other
	serve listen -k --output dir 127.0.0.1:0
	mv dir moved
	ln -s other dir
	"$SOCKCTL" connect --source 127.0.0.1 --send hello "$ADDR"
	until_true eval '[[ $(cat moved/000001-* 2>/dev/null) == hello ]]'
	assert_equal "$(find other -mindepth 1)" ''
	end_served
}
