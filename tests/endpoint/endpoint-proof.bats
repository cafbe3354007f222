#!/usr/bin/env bats
# Large transfers, signals, other programs' servers, terminals that do not read.

load ../lib/helpers
load ../lib/endpoint

# A stream of SIZE bytes that does not repeat, the same every time.
stream() { # SIZE
	openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt -in /dev/zero 2>/dev/null | head -c "$1"
}

digest() {
	openssl dgst -r -sha1 | cut -d' ' -f1
}

# Runs CMD and writes the most memory it ever had, in KiB, to FILE.
rss() { # FILE CMD...
	exec python3 -c '
import os, subprocess, sys
p = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(p.pid, 0)
with open(sys.argv[1], "w") as f: f.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))' "$@"
}

@test "1 GiB (10 with SOCKCTL_TEST_BIG) arrives with the same checksum, memory stays flat" {
	local size=1G file=$BATS_TEST_TMPDIR sum status=0
	[[ -z ${SOCKCTL_TEST_BIG-} ]] || size=10G
	spawn rss "$file/server" "$SOCKCTL" listen --recv-only --report --port-file "$file/port" 127.0.0.1:0
	until_true test -s "$file/port"
	digest <&"$OUT" >"$file/sum" 3>&- &
	sum=$!
	stream $size | (rss "$file/client" "$SOCKCTL" connect "$(cat "$file/port")")
	await_end "$sum"
	assert_equal "$(cat "$file/sum")" "$(stream $size | digest)"
	until_true test -s "$file/server"
	grep -q "received $(numfmt --from=iec $size) bytes" "$ERR"
	echo "most memory: $(cat "$file/server") and $(cat "$file/client") KiB"
	[[ $SOCKCTL == *asan* ]] || assert_int "$(cat "$file/server") < 64 * 1024 && $(cat "$file/client") < 64 * 1024"
}

@test "SIGINT and SIGTERM end a listener and an echo in order, the report first" {
	local signal command server
	for command in "listen --recv-only" "listen -k" echo; do
		for signal in INT TERM; do
			# shellcheck disable=SC2086
			serve $command --report 127.0.0.1:0
			server=$PID
			spawn "$SOCKCTL" connect --hold 1h --send hello "$ADDR"
			PID=$server
			until_true has_state established "$PORT"
			until_true received_all "$PORT"
			end_served "$signal"
			assert_equal "$status" $((128 + $(kill -l "$signal")))
			assert_contains "$stderr" "1 connection, at most 1 at a time, 0 failed; received 5 bytes"
		done
	done
}

# The five bytes have come, and then none lies in the receive buffer of the server's connection.
received_all() { # PORT
	ss -Htni state established "sport = :$1" | grep -qE 'bytes_received:5( |$)' || return
	[[ $(ss -Htn state established "sport = :$1" | awk '{ print $1 }') == 0 ]]
}

@test "a client that is ended by a signal counts what was never acknowledged" {
	serve listen --mute --no-read --option rcvbuf=4k 127.0.0.1:0
	spawn bash -c 'head -c 8M /dev/zero | exec "$@"' sh "$SOCKCTL" connect --report "$ADDR"
	# More than the receive buffer takes; how far the send buffer grows depends on the load.
	stuck() { [[ $(ss -Htn state established "dport = :$PORT" | awk '{ print ($2 > 30000) }') == 1 ]]; }
	until_true stuck
	pkill -INT -P "$PID" -x sockctl || kill -INT "$(pgrep -P "$PID" sockctl)"
	grep_report() { grep -q 'not sent or never acknowledged' "$ERR"; }
	until_true grep_report
}

@test "SIGINT of --client prints what was measured" {
	local client=$BATS_TEST_TMPDIR/client
	serve echo --delay 20ms 127.0.0.1:0
	"${IN_FRONT[@]}" "$SOCKCTL" echo --client --count 1000000 "$ADDR" >"$client" 2>&1 3>&- &
	PIDS+=($!)
	until_true has_state established "$PORT"
	kill -INT "${PIDS[-1]}"
	await_end "${PIDS[-1]}" 130
	grep -q 'round trips of 64 bytes over 1 connection' "$client"
}

@test "nginx is a peer both ways: it serves connect, and fetches from listen --http" {
	command -v nginx >/dev/null || skip "no nginx here"
	local dir=$BATS_TEST_TMPDIR
	serve listen -k --http 'from sockctl\n' "$dir/back"
	mkdir "$dir/www"
	make_data "$dir/www/file" 16M
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		pid $dir/pid;
		error_log $dir/log;
		$(is_root && echo "user root;")
		events {}
		http {
			access_log off;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			server {
				listen unix:$dir/s;
				root $dir/www;
				location /back { proxy_pass http://unix:$dir/back:/; }
			}
		}
	END
	spawn nginx -c "$dir/nginx.conf" -e "$dir/log"
	# The file is there before listen() is called.
	"$SOCKCTL" probe -q --wait "${READY_WITHIN}s" "unix:$dir/s"
	# nginx takes a FIN for a client that left, and stops when its buffer is full.
	"$SOCKCTL" connect --no-half-close --crlf --send 'GET /file HTTP/1.0\n\n' "$dir/s" >"$dir/got"
	head -c 100 "$dir/got" | grep -a '200 OK' || {
		cat "$dir/log" "$dir/got" >&2
		return 1
	}
	tail -c 16777216 "$dir/got" | cmp - "$dir/www/file"
	sockctl connect --no-half-close --crlf --send 'GET /back HTTP/1.0\n\n' --expect 'from sockctl' "$dir/s"
	assert_equal "$status" 0
	sockctl connect --no-half-close --crlf --send 'GET /none HTTP/1.0\n\n' --expect '200 OK' "$dir/s"
	assert_equal "$status" 1
}

@test "redis over TCP: a pipeline of commands, every reply comes" {
	netns
	spawn "${NS[@]}" redis-server --port 7001 --save '' --dir "$BATS_TEST_TMPDIR"
	in_ns "$SOCKCTL" probe -q --wait 30s 127.0.0.1:7001
	run in_ns bash -c '
		for i in $(seq 20000); do printf "INCR n\r\n"; done |
			"$1" connect 127.0.0.1:7001 | tail -n 1' sh "$SOCKCTL"
	assert_output ":20000"$'\r' || assert_output ":20000"
}

@test "a terminal that does not read is no idle network, and nothing is lost" {
	make_data "$BATS_TEST_TMPDIR/data" 200K
	base64 "$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/text"
	INPUT=$BATS_TEST_TMPDIR/text serve listen 127.0.0.1:0
	run timeout "$READY_WITHIN" python3 -c '
import os, pty, subprocess, sys, time, tty
master, slave = pty.openpty()
tty.setraw(slave)
p = subprocess.Popen([sys.argv[1], "connect", "-I", "200ms", sys.argv[2]],
                     stdin=subprocess.DEVNULL, stdout=slave)
os.close(slave)
try:
    p.wait(0.7)
    print("ended early")
except subprocess.TimeoutExpired:
    pass
got = b""
while True:
    try:
        d = os.read(master, 65536)
    except OSError:
        break
    if not d: break
    got += d
print(got == open(sys.argv[3], "rb").read(), p.wait())' "$SOCKCTL" "$ADDR" "$BATS_TEST_TMPDIR/text"
	assert_output "True 0"
}

@test "closed standard descriptors: what cannot be read or written is told" {
	serve listen -k --reply hi 127.0.0.1:0
	run --separate-stderr bash -c '"$1" connect --send x "$2" >&-' sh "$SOCKCTL" "$ADDR"
	assert_refused 3 "write the output: Bad file descriptor \(received 2 bytes"
	run --separate-stderr bash -c '"$1" connect "$2" <&-' sh "$SOCKCTL" "$ADDR"
	assert_refused 3 "read the input: Bad file descriptor"
	run bash -c '"$1" connect --send x "$2" 2>&-' sh "$SOCKCTL" "$ADDR"
	assert_equal "$status" 0
	assert_output hi
}
