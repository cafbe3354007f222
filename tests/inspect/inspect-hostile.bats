#!/usr/bin/env bats
# Bad input and a bad world: truncated and hostile dumps, a closed or full stdout, nothing to
# read in /proc.

load ../lib/helpers
load ../lib/inspect

record() {
	dump=$BATS_TEST_TMPDIR/dump
	netns
	mk established listen:port=80,queued=1 established:family=6,label=six close_wait unix_pair:abstract=a
	inspect -tx --record "$dump" -o +tcp,memory,congestion
	assert_success
	NS=()
}

# Reads the file every way; nothing may crash, and the code must be one of inspect's.
survives() { # FILE
	inspect --from "$1" -tux --json -o +tcp,memory,path,peer,time
	((status <= 3)) || fail "status $status"
	[[ -z $output ]] || assert_valid
}

@test "a dump cut anywhere is read to the cut, and told" {
	local size at
	record
	size=$(stat -c %s "$dump")
	for at in 1 3 4 15 16 17 20 50 100 $((size / 3)) $((size / 2)) $((size - 100)) $((size - 1)); do
		head -c "$at" "$dump" >"$dump.cut"
		survives "$dump.cut"
	done
}

@test "a cut in the middle of a message is exit 3 and complete:false" {
	record
	head -c $(($(stat -c %s "$dump") / 2 + 3)) "$dump" >"$dump.cut"
	inspect --from "$dump.cut" -tx --json
	assert_equal "$status" 3
	assert_json '.[-1].type == "end" and .[-1].complete == false'
	assert test -n "$stderr"
}

@test "hostile lengths: message and attribute headers of every size" {
	local pattern i
	record
	for pattern in '\x00\x00\x00\x00' '\x01\x00\x00\x00' '\x0f\x00\x00\x00' '\x10\x00\x00\x00' \
		'\xff\xff\xff\xff' '\xff\xff\xff\x7f' '\x00\x00\x00\x80' '\x11\x00\x00\x00'; do
		cp "$dump" "$dump.bad"
		printf "$pattern" | dd of="$dump.bad" conv=notrunc bs=1 status=none
		survives "$dump.bad"
	done
	# Attributes begin after the 16 bytes of nlmsghdr and the 72 of inet_diag_msg.
	for pattern in '\x00\x00' '\x03\x00' '\x04\x00' '\xff\xff' '\xff\x7f'; do
		for i in 88 96; do
			cp "$dump" "$dump.bad"
			printf "$pattern" | dd of="$dump.bad" conv=notrunc bs=1 seek="$i" status=none
			survives "$dump.bad"
		done
	done
}

@test "random damage" {
	local seed
	record
	/usr/bin/python3 - "$dump" <<-'END'
		import random, sys
		for seed in range(1, 61):
		    data = bytearray(open(sys.argv[1], "rb").read())
		    r = random.Random(seed)
		    for _ in range(r.randrange(1, 40)):
		        data[r.randrange(len(data))] = r.choice([0, 1, 255, 127, 128, r.randrange(256)])
		    open(f"{sys.argv[1]}.{seed}", "wb").write(data)
	END
	for seed in {1..60}; do
		survives "$dump.$seed"
	done
}

@test "an end with an error that no kernel has" {
	local word
	for word in 80000000 ffffffff fffff000 7fffffff; do
		record
		/usr/bin/python3 - "$dump" "$word" <<-'END'
			import struct, sys
			data, at = bytearray(open(sys.argv[1], "rb").read()), 0
			while at + 20 <= len(data):
			    size, kind = struct.unpack_from("=IH", data, at)
			    if kind == 3:
			        struct.pack_into("=I", data, at + 16, int(sys.argv[2], 16))
			    at += size + 3 & ~3
			open(sys.argv[1] + ".end", "wb").write(data)
		END
		survives "$dump.end"
	done
}

@test "random bytes" {
	local seed
	dump=$BATS_TEST_TMPDIR/noise
	for seed in {1..10}; do
		/usr/bin/python3 -c "import random, sys
sys.stdout.buffer.write(random.Random($seed).randbytes(5000))" >"$dump"
		survives "$dump"
	done
	head -c 200000 /dev/zero >"$dump"
	survives "$dump"
}

@test "a closed stdout is exit 3 and is told" {
	netns
	mk listen:port=80
	for format in table raw json; do
		run --separate-stderr bash -c "'${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect --format $format >&-"
		assert_refused 3 .
	done
	run --separate-stderr bash -c "'$SOCKCTL' inspect --help >&-"
	assert_refused 3 .
	run --separate-stderr bash -c "'$SOCKCTL' --version >&-"
	assert_refused 3 .
}

@test "a full disk is exit 3 and is told, for every kind of output" {
	local args
	netns
	mk listen:port=80 established
	for args in '' '--json' '--format raw' '--count' '--summary' '--group state' '--sort inode' \
		'-o help' '--help' '-h'; do
		run --separate-stderr bash -c "'${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect $args >/dev/full"
		assert_refused 3 'No space left'
	done
	for args in '--help' '--version' 'help inspect' 'porcelain fields' 'porcelain schema' 'porcelain options'; do
		run --separate-stderr bash -c "'$SOCKCTL' $args >/dev/full"
		assert_refused 3 'No space left'
	done
}

@test "a reader that goes away ends it without a word of a crash" {
	netns
	mk established:n=2000,quiet
	run --separate-stderr bash -c "'${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect ${NO_FINDINGS[*]}  | head -n 1; echo \"\${PIPESTATUS[0]}\""
	assert_line --index 1 --regexp '^(0|1|3|141)$'
	assert_equal "$stderr" ''
	refute_output --partial Sanitizer
}

@test "processes that end while they are read do no harm" {
	local i
	netns
	mk listen:port=80
	spawn "${NS[@]}" bash -c "$(declare -f nap)"'; echo ready; while (:); do nap 0.001; done'
	await_line '^ready$'
	for i in {1..20}; do
		inspect_json -p
		assert_row listen.listener processes='[{"pid":'"${F[listen.listener.pid]}"',"command":"mksock","fd":'"${F[listen.listener.fd]}"'}]'
	done
}

@test "no /proc to read: owners are unknown, rows are there" {
	skip_unless_mounts "hides /proc"
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	netns
	mk listen:port=80
	run --separate-stderr in_ns unshare --mount \
		bash -c "mount -t tmpfs none /proc && exec '$SOCKCTL' inspect -p"
	no_crash
	assert_line --regexp '^LISTEN +127\.0\.0\.1:80'
	refute_output --partial mksock
}

@test "no file descriptors left to look for owners: told, and the rows are there" {
	netns
	mk listen:port=80
	run --separate-stderr in_ns bash -c "exec 3>&-; ulimit -n 4; exec '$SOCKCTL' inspect -p"
	no_crash
	assert_line --regexp '^LISTEN +127\.0\.0\.1:80'
	refute_output --partial 'mksock'
	assert test -n "$stderr"
}

@test "an interface's name with quotes and backslashes in it breaks no JSON" {
	local name='a"b\c'
	netns
	in_ns ip link add "$name" type veth peer name other
	in_ns ip -6 addr add fe80::5/64 dev "$name" nodad
	in_ns ip link set "$name" up
	in_ns ip link set other up
	spawn "${NS[@]}" sh -c 'exec "$@" 2>&1' sh "$SOCKCTL" listen --keep "[fe80::5%$name]:80"
	await_line '^listening on '
	inspect_json
	assert_json '.[0].local_addr == "fe80::5%a\"b\\\\c"'
	sockctl probe --json "[fe80::5%$name]:80"
	assert_json '.[0].addr == "fe80::5%a\"b\\\\c"'
}
