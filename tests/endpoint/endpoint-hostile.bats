#!/usr/bin/env bats
# Endpoints among strangers and odd parents: what a peer does, or does not, ends nobody else's
# connection; what a parent left behind changes nothing.

load ../lib/helpers
load ../lib/endpoint

setup() {
	REAL=$SOCKCTL
	S=$BATS_TEST_TMPDIR/s
}

# A python program that speaks for the peer; it has the modules at hand.
peer() { # PROGRAM ARGS...
	timeout "$READY_WITHIN" python3 -c "import os, socket, struct, sys
$1" "${@:2}" 3>&-
}

# `serve` with another program in front, which starts the one that it is given.
serve_under() { # PROGRAM ARGS...
	local SOCKCTL=$1
	serve "${@:2}"
}

cpu_ticks() { # PID
	local -a stat
	read -r -a stat <"/proc/$1/stat"
	echo $((stat[13] + stat[14]))
}

descriptors() { # PID
	local -a fds=("/proc/$1/fd/"*)
	echo "${#fds[@]}"
}

# --- what a parent leaves behind ---

@test "a parent that ignores SIGCHLD: commands end, --max is reached, codes are reported" {
	local i
	cat >"$BATS_TEST_TMPDIR/ignoring" <<-'END'
		#!/usr/bin/python3
		import os, signal, sys
		signal.signal(signal.SIGCHLD, signal.SIG_IGN)
		os.execvp(sys.argv[1], sys.argv[1:])
	END
	chmod +x "$BATS_TEST_TMPDIR/ignoring"
	serve_under "$BATS_TEST_TMPDIR/ignoring" "$REAL" listen --max 3 --sh 'read -r code; exit "$code"' 127.0.0.1:0
	for i in 0 7 0; do
		"$SOCKCTL" connect --send "$i\n" "$ADDR"
	done
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "ended with code 7"
}

@test "a command whose status is taken by somebody else has ended, and nothing spins" {
	command -v strace >/dev/null || skip "no strace here"
	serve_under strace -f -o /dev/null -e trace=waitid -e inject=waitid:error=ECHILD \
		-E "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0" "$REAL" listen --max 2 --exec true 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	sockctl connect "$ADDR" </dev/null
	served
	assert_contains "$stderr" "its exit code is not known"
}

@test "without /dev/null a closed stderr is not taken by a socket" {
	skip_unless_mounts "hides /dev"
	unshare --mount sh -c 'mount -t tmpfs none /dev && exec "$@" 2>&-' - \
		"$SOCKCTL" listen -v --port-file "$BATS_TEST_TMPDIR/port" --reply answer 127.0.0.1:0 3>&- </dev/null &
	PIDS+=("$!")
	until_true test -s "$BATS_TEST_TMPDIR/port"
	sockctl connect --send x "$(cat "$BATS_TEST_TMPDIR/port")"
	assert_output answer
}

# --- -I ends those who are gone ---

@test "-I ends peers under --no-read, --no-close and both, with data unread or none" {
	local how option
	while read -r how option; do
			# shellcheck disable=SC2086 # several options
			serve listen $option -I 100ms 127.0.0.1:0
			peer 's = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2] != "silent": s.send(b"hello")
if sys.argv[2] == "ends": s.shutdown(socket.SHUT_WR)
s.settimeout(50)
try:
    while s.recv(100): pass
except ConnectionResetError: pass' "$PORT" "$how"
			served
			[[ $status == 4 && $stderr == *"idle limit (-I, --idle) passed"* ]] || fail "$option, $how: $status $stderr"
	done <<-'END'
		silent --no-read
		talks --no-read
		ends --no-read --send x
		ends --no-close
		ends --no-close --reply x
		ends --no-read --no-close
	END
}

@test "-I lets a peer under --no-read go on as long as it sends" {
	serve listen -k --no-read -I 1s 127.0.0.1:0
	# A machine that stops us for longer than the limit lets it pass: once more then.
	peer 'import time, select
def goes_on():
    last = time.monotonic()
    for i in range(8):
        if select.select([s], [], [], 0.25)[0]:
            assert time.monotonic() - last >= 0.9, "ended while it sent"
            return False
        s.send(b"x")
        last = time.monotonic()
    return True
for i in range(5):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    try:
        if goes_on():
            break
    except OSError: pass
else:
    sys.exit("never undisturbed")
s.settimeout(50)
try:
    assert s.recv(1) == b""
except ConnectionResetError: pass' "$PORT"
}

@test "-I ends the wait for a last acknowledgement that never comes" {
	netns
	in_ns nft add table inet t 2>/dev/null || skip "no nft here"
	in_ns nft add chain inet t i '{ type filter hook input priority 0; }'
	serve listen --reply 'some bytes' -I 100ms 127.0.0.1:0
	coproc in_ns python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("in", flush=True)
sys.stdin.readline()
s.send(b"x")
s.shutdown(socket.SHUT_WR)
print("ended", flush=True)
sys.stdin.readline()' "$PORT" 3>&-
	PIDS+=("$COPROC_PID")
	local line
	read -r -t "$READY_WITHIN" -u "${COPROC[0]}" line
	# Whatever the server sends from here on is lost, its FIN and what acknowledges it.
	in_ns nft add rule inet t i tcp sport "$PORT" drop
	echo >&"${COPROC[1]}"
	read -r -t "$READY_WITHIN" -u "${COPROC[0]}" line
	served
	[[ $status == 4 && $stderr == *"idle limit"* ]] || fail "$status $stderr"
}

# --- empty records ---

@test "seqpacket: an empty record is sent back, and is not the end" {
	serve echo --once "unix-seqpacket:$S"
	run peer 's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
for r in (b"", b"one", b"", b"", b"two"):
    s.send(r)
s.shutdown(socket.SHUT_WR)
s.settimeout(50)
print([s.recvmsg(10, 100, 0)[0] for i in range(5)])' "$S"
	assert_output "[b'', b'one', b'', b'', b'two']"
	served
	assert_equal "$status" 0
}

@test "seqpacket: what follows empty records is written, and the end is the end" {
	serve listen --reply 'heard' "unix-seqpacket:$S"
	run peer 's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.settimeout(50)
s.send(b"")
print(s.recv(10))
for i in range(100): s.send(b"")
s.send(b"data")
s.send(b"")' "$S"
	assert_output "b'heard'"
	served
	assert_equal "$status" 0
	assert_equal "$(cat "$SERVED")" data
}

@test "seqpacket: a client takes empty records, too" {
	spawn python3 -c 'import socket, sys
l = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
l.bind(sys.argv[1])
l.listen(1)
print("ready", flush=True)
s = l.accept()[0]
for r in (b"", b"a", b"", b"b", b""):
    s.send(r)
s.close()
sys.stdin.read()' "$S"
	await_line ready
	sockctl connect "unix-seqpacket:$S" </dev/null
	assert_output ab
	assert_equal "$status" 0
}

@test "seqpacket: an empty record in place of an echo is a wrong one, not an end" {
	spawn python3 -c 'import socket, sys
l = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
l.bind(sys.argv[1])
l.listen(1)
print("ready", flush=True)
s = l.accept()[0]
for answer in (None, b"", None):
    r = s.recv(1000)
    s.send(r if answer is None else answer)
sys.stdin.read()' "$S"
	await_line ready
	sockctl echo --client --count 3 "unix-seqpacket:$S"
	assert_equal "$status" 1
	[[ $output == *"64 bytes wrong"* ]] || fail "$output $stderr"
}

@test "seqpacket: a handed-over listener keeps the boundaries of records" {
	spawn python3 -c 'import os, socket, sys
l = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
l.bind(sys.argv[1])
l.listen(9)
os.dup2(l.fileno(), 9)
os.execv(sys.argv[2], [sys.argv[2], "echo", "fd:9"])' "$S" "$SOCKCTL"
	until_true test -S "$S"
	until_true grep -q listening "$ERR"
	run peer 's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.settimeout(50)
for r in (b"", b"one", b""):
    s.send(r)
print([s.recvmsg(10, 100, 0)[0] for i in range(3)])' "$S"
	assert_output "[b'', b'one', b'']"
}

# --- ready is ready, and what a peer needs is there ---

# Whatever the limit: it says why it cannot serve, or it serves.
@test "--background answers once it serves, at every descriptor limit" {
	local -a how
	local n line refused served
	while read -r -a how; do
		refused=0 served=0
		for n in {5..32}; do
			rm -f "$BATS_TEST_TMPDIR/port"
			run --separate-stderr timeout "$READY_WITHIN" bash -c 'ulimit -n "$1" && exec "${@:2}"' - "$n" \
				"$SOCKCTL" "${how[@]}" --background --port-file "$BATS_TEST_TMPDIR/port" 127.0.0.1:0 </dev/null
			if ((status == 0)); then
				line=$(cat "$BATS_TEST_TMPDIR/port")
				[[ $stderr == "listening on $line" ]] || fail "${how[*]}, $n: $stderr"
				PIDS+=("$(ss -Htlnp "sport = :${line##*:}" | sed 's/.*pid=\([0-9]*\).*/\1/')")
				run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" connect --send 'hello\n' --expect hello "$line"
				((status == 0)) || fail "${how[*]}, $n: $status $stderr"
				kill "${PIDS[-1]}"
				served=1
				break
			fi
			# The loader of shared libraries needs some, too.
			((status != 127)) || continue
			((status == 3)) || fail "${how[*]}, $n: $status $stderr"
			[[ $stderr == "sockctl "* && $stderr != *"listening on"* ]] || fail "${how[*]}, $n: $stderr"
			refused=1
		done
		((refused && served)) || fail "${how[*]}: $refused $served"
	done <<-'END'
		listen -k --reply hello
		listen -k --exec cat
		echo
		echo --threads 3
	END
}

# More peers than there are descriptors for: they wait, and each has its turn.
@test "peers at the descriptor limit wait in the queue: --output" {
	mkdir "$BATS_TEST_TMPDIR/files"
	serve listen --max 24 --limit-fds 14 --output "$BATS_TEST_TMPDIR/files" --hold 100ms 127.0.0.1:0
	peer 's = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for i in range(24)]
for i, c in enumerate(s): c.send(b"peer %d\n" % i); c.shutdown(socket.SHUT_WR)
for c in s:
    c.settimeout(50)
    assert c.recv(1) == b""' "$PORT"
	served
	assert_equal "$status" 0
	[[ $stderr == *"Too many open files"*"peers wait in the queue"* ]] || fail "$stderr"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/files/"* | sort -k2n)" "$(for i in {0..23}; do echo "peer $i"; done)"
}

@test "peers at the descriptor limit wait in the queue: --exec" {
	serve listen --max 24 --limit-fds 12 --exec cat 127.0.0.1:0
	run peer 's = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for i in range(24)]
for i, c in enumerate(s):
    c.settimeout(50)
    c.send(b"%d" % i)
    c.shutdown(socket.SHUT_WR)
print(sorted(int(c.recv(10)) for c in s) == list(range(24)))' "$PORT"
	assert_output True
	served
	assert_equal "$status" 0
	[[ $stderr == *"Too many open files"*"peers wait in the queue"* ]] || fail "$stderr"
}

@test "a command that no process can be had for is run later" {
	command -v strace >/dev/null || skip "no strace here"
	serve_under strace -o /dev/null -e trace=clone,clone3 -e inject=clone,clone3:error=EAGAIN:when=2..4 \
		-E "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0" "$REAL" listen --max 3 --exec cat 127.0.0.1:0
	local text
	for text in one two three; do
		sockctl connect --send "$text" "$ADDR"
		assert_output "$text"
	done
	served
	assert_equal "$status" 0
	[[ $stderr == *"run cat: Resource temporarily unavailable"*"accepting again"* ]] || fail "$stderr"
}

# --- one that does not read ---

# Sends N datagrams with a name of its own and never reads; says so, and stays until its
# stdin ends.
deaf() { # N SIZE
	spawn python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[2])
for i in range(int(sys.argv[3])):
    s.sendto(b"%06d" % i + b"x" * (int(sys.argv[4]) - 6), sys.argv[1])
print("sent", flush=True)
sys.stdin.readline()
s.settimeout(50)
n = 0
try:
    while n < int(sys.argv[5]):
        assert s.recv(1 << 20)[:6] == b"%06d" % n, n
        n += 1
except TimeoutError: pass
print("read %d" % n, flush=True)
sys.stdin.read()' "$S" "$(mktemp -u "$S.XXXXXX")" "$1" "$2" "${3-0}"
	await_line '^sent$'
}

# How much of a CPU a process takes within a second, in percent.
busy() { # PID
	local before
	before=$(cpu_ticks "$1")
	timeout 1 tail --pid="$1" -f /dev/null || true
	echo $((($(cpu_ticks "$1") - before) * 100 / $(getconf CLK_TCK)))
}

@test "unix-dgram: a peer that does not read holds up nobody, and nothing spins" {
	serve echo "unix-dgram:$S"
	local server=$PID errs=$ERRS
	deaf 300 6
	sockctl connect --send hello --expect hello "unix-dgram:$S"
	assert_equal "$status" 0
	assert_int "$(busy "$server") < 50"
	PID=$server ERRS=$errs end_served
	[[ $stderr == *"does not read: 64 answers wait for it"* ]] || fail "$stderr"
	# 300 and one came; some are in the peer's queue (net.unix.max_dgram_qlen), 64 waited.
	[[ $stderr =~ 301\ datagrams\ received,\ ([0-9]+)\ sent,\ ([0-9]+)\ dropped ]] || fail "$stderr"
	assert_equal "$((BASH_REMATCH[1] + BASH_REMATCH[2]))" 301
}

@test "unix-dgram: one that reads late has its answers, in their order" {
	serve echo "unix-dgram:$S"
	deaf 50 6 50
	echo >&"$IN"
	await_line '^read 50$'
}

@test "unix-dgram: what waits for all has a limit, and --max ends all the same" {
	serve listen --max 200 --reply "$(printf '%0100000d' 0)" "unix-dgram:$S"
	local server=$PID errs=$ERRS i
	for i in {1..8}; do
		deaf 25 6
	done
	PID=$server ERRS=$errs served
	[[ $stderr == *"4 MiB of answers wait"* || $stderr == *" dropped;"* ]] || fail "$stderr"
	[[ $stderr == *"200 datagrams received"* ]] || fail "$stderr"
}

@test "unix-dgram: standard input waits for a peer that does not read, and nothing spins" {
	head -c 4m /dev/zero >"$BATS_TEST_TMPDIR/zeros"
	INPUT=$BATS_TEST_TMPDIR/zeros serve listen "unix-dgram:$S"
	local server=$PID errs=$ERRS
	deaf 1 6
	assert_int "$(busy "$server") < 50"
	PID=$server ERRS=$errs end_served
	assert_equal "$status" 143
}

# --- nobody reads what we say ---

@test "a standard error that nobody reads stops neither the server nor SIGTERM" {
	local kind how
	while read -r kind how; do
		# shellcheck disable=SC2086 # several words
		run timeout "$READY_WITHIN" "$TOP/tests/lib/deaf-stderr" "$kind" 60 "$SOCKCTL" $how
		[[ $status == 0 && $output == $'ended -15\nflags blocking' ]] || fail "$kind $how: $output"
	done <<-'END'
		pipe listen -k --reply hi
		pipe echo --threads 2 -v
		socket listen -k --reply hi --trace
		terminal listen -k --reply hi -v --report --info
	END
}

@test "what strangers cause is 20 lines a second, the rest is counted; -v shows all" {
	local option lines more
	for option in "" -v; do
		serve listen -k --reply hi $option 127.0.0.1:0
		peer 'for i in range(150):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    s.send(b"x" * 100)
    s.recv(1)
    s.send(b"y")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()' "$PORT"
		end_served
		lines=$(grep -c 'the peer reset' <<<"$stderr" || true)
		more=$(sed -n 's/.*: \([0-9]*\) more messages within a second.*/\1/p' <<<"$stderr" | paste -sd +)
		case $option in
		"") ((lines >= 20 && lines < 140 && lines + ${more:-0} >= 150)) || fail "$lines and $more" ;;
		-v) ((lines == 150 && !${more:-0})) || fail "$lines and $more" ;;
		esac
	done
}

@test "records that nobody read in time are counted, and what is written is whole" {
	mkfifo "$BATS_TEST_TMPDIR/err"
	"$SOCKCTL" listen --max 5000 --json --reply hi --port-file "$BATS_TEST_TMPDIR/port" 127.0.0.1:0 \
		2>"$BATS_TEST_TMPDIR/err" >/dev/null </dev/null 3>&- &
	PID=$!
	PIDS+=("$PID")
	exec {ERRS}<"$BATS_TEST_TMPDIR/err"
	INPUTS+=("$ERRS")
	until_true test -s "$BATS_TEST_TMPDIR/port"
	"$SOCKCTL" connect --connections 4999 --rate 4000/s --send x "$(cat "$BATS_TEST_TMPDIR/port")" >/dev/null
	cat <&"$ERRS" >"$BATS_TEST_TMPDIR/events" &
	local reader=$!
	"$SOCKCTL" connect --send x "$(cat "$BATS_TEST_TMPDIR/port")" >/dev/null
	await_end "$PID" 3
	await_end "$reader"
	run jq -s '[.[] | if .id == "records-lost" then .records else 1 end] | add' "$BATS_TEST_TMPDIR/events"
	# listening, accepted and closed of each, the summary, and one for what was lost or more.
	((output >= 2 * 5000 + 2 && output < 2 * 5000 + 100)) || fail "$output"
}
