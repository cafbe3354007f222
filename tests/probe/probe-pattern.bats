#!/usr/bin/env bats
# --expect with a pattern: over what a peer sends, of any length and kind, in bounded time.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe

# A server that sends what the program makes, and then keeps the connection.
sends() { # PYTHON-EXPRESSION
	spawn python3 -c "
import socket, sys, threading
l = socket.create_server(('127.0.0.1', 0))
print(l.getsockname()[1], flush=True)
held = []
def serve():
    while True:
        s = l.accept()[0]
        held.append(s)
        for piece in $1:
            s.sendall(piece)
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()"
	read -r -t "$READY_WITHIN" -u "$OUT" PORT
}

looks_for() { # PATTERN [OPTION]...
	run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" probe --expect "$1" "${@:2}" "127.0.0.1:$PORT"
}

@test "a long line is searched at its head, and the answer says so" {
	sends "[b'ab' * 32768]"
	looks_for '/^ab.*c/' -T 1s
	assert_equal "$status" 1
	assert_contains "$output" "of each line the first 4096 bytes were searched"
	looks_for '/^abab.*ba/' -T "${READY_WITHIN}s"
	assert_equal "$status" 0
	# Behind a short line, too.
	sends "[b'hello\r\n' + b'x' * 60000 + b'\nlast: 1\n']"
	looks_for '/^last: [0-9]$/' -T "${READY_WITHIN}s"
	assert_equal "$status" 0
}

@test "a search that takes too long is ended, and the answer says so" {
	sends "[b'ab' * 2000]"
	looks_for '/^(a|b|ab)*(.*)(.*)(.*)\2\3\4\1c$/' -T 1s
	assert_equal "$status" 1
	assert_contains "$output" "the search was ended after 100 ms"
	assert_equal "$(pgrep -P $$ -f "probe --expect")" ''
}

@test "a peer that sends byte by byte does not keep the search busy" {
	sends "[b'ab'[i % 2:][:1] for i in range(4000)] + [b'\nend\n']"
	looks_for '/a.*b.*c|^end$/' -T "${READY_WITHIN}s"
	assert_equal "$status" 0
}

@test "a pattern with a newline spans lines, of either kind of end" {
	sends "[b'one\ntwo\n']"
	looks_for $'/one\ntwo/' -T "${READY_WITHIN}s"
	assert_equal "$status" 0
	sends "[b'x' * 9000 + b'\r\none\r', b'\ntwo\r\n']"
	looks_for $'/^one\ntwo$/' -T "${READY_WITHIN}s"
	assert_equal "$status" 0
	looks_for '/one[[:space:]]+two/' -T "${READY_WITHIN}s"
	assert_equal "$status" 0
}

@test "a pattern that could not be compiled is a usage error, not a crash" {
	local open close
	printf -v open '%*s' 15000 ''
	close=${open// /)}
	open=${open// /(}
	PORT=1
	looks_for "/${open}a$close/"
	assert_equal "$status" 2
	assert_contains "$stderr" "--expect: the pattern has "
	looks_for "/${open:0:300}a${close:0:300}/"
	assert_equal "$status" 2
	assert_contains "$stderr" "250 parentheses"
	looks_for '/((a{200}){200}){200}/'
	assert_equal "$status" 2
	assert_contains "$stderr" "repeats too much"
}

@test "what has no end is refused as a text, as a request and as a list" {
	local option
	# It would be the machine's memory that ends; a sanitizer's is not to be counted.
	[[ $SOCKCTL == *asan* ]] || ulimit -v 4000000
	for option in --send --http; do
		sockctl listen "$option" @/dev/zero 127.0.0.1:0
		assert_refused 2 "/dev/zero has more than 64 MiB, or no end"
		sockctl connect --send @/dev/zero 127.0.0.1:1
		assert_refused 2 "/dev/zero has more than 64 MiB, or no end"
	done
	sockctl probe --send @/dev/zero 127.0.0.1:1
	assert_refused 2 "only a regular file may be larger"
	sockctl probe --targets /dev/zero
	assert_refused 3 "/dev/zero has more than 64 MiB, or no end"
	# A pipe may have many, a file any number.
	head -c 1m /dev/zero | tr '\0' '\n' >"$BATS_TEST_TMPDIR/lines"
	sockctl probe --targets <(cat "$BATS_TEST_TMPDIR/lines"; echo 127.0.0.1:1)
	assert_equal "$status" 1
	truncate -s 65m "$BATS_TEST_TMPDIR/file"
	sockctl connect --send "@$BATS_TEST_TMPDIR/file" 127.0.0.1:1
	assert_equal "$status" 1
}
