#!/usr/bin/env bats
# listen --http: a request is read whole, written as it came, and answered; what could be read
# in two ways is refused. The peers are curl, wrk, nginx, and one that sends what it is told.

load ../lib/helpers
load ../lib/endpoint

PEER=$TOP/tests/lib/http-peer
GET='GET / HTTP/1.1\r\nHost: a\r\n\r\n'

setup_file() {
	export DATA=$BATS_FILE_TMPDIR/data
	make_data "$DATA" 5M
}

peer() { # ACT...
	"$PEER" "$ADDR" "$@"
}

status_line() {
	head -n 1 | tr -d '\r'
}

# What came behind the header of the only request in SERVED.
body_of_served() {
	sed -b '1,/^\r$/d' "$SERVED"
}

# The bodies of requests in chunks, one after the other.
without_chunks() { # FILE
	python3 - "$1" <<-'END'
		import sys
		data = open(sys.argv[1], "rb").read()
		while data:
		    data = data.partition(b"\r\n\r\n")[2]
		    while n := int(data.partition(b"\r\n")[0].partition(b";")[0], 16):
		        data = data.partition(b"\r\n")[2]
		        sys.stdout.buffer.write(data[:n])
		        data = data[n + 2:]
		    data = data.partition(b"\r\n\r\n")[2]
	END
}

@test "a POST of 5 MB is written whole, then answered" {
	serve listen --http 'hello\n' 127.0.0.1:0
	run curl -sS --data-binary "@$DATA" "http://$ADDR/"
	assert_output hello
	served
	assert_equal "$status" 0
	body_of_served | cmp - "$DATA"
}

@test "an upload in chunks is written with their framing" {
	serve listen --http 'hello\n' 127.0.0.1:0
	run curl -sS -T - "http://$ADDR/" <"$DATA"
	assert_output hello
	served
	assert_equal "$status" 0
	without_chunks "$SERVED" | cmp - "$DATA"
	assert_int "$(stat -c %s "$SERVED") > $(stat -c %s "$DATA") + 100"
}

@test "100 Continue comes if the body is to be read, and only then" {
	local trace=$BATS_TEST_TMPDIR/trace request
	serve listen -k --http 'hello\n' --http-max-body 6M 127.0.0.1:0
	curl -sS -v -H 'Expect: 100-continue' --expect100-timeout 60 --data-binary "@$DATA" "http://$ADDR/" 2>"$trace" |
		grep -qx hello
	grep -q '^< HTTP/1.1 100 Continue' "$trace"
	body_of_served | cmp - "$DATA"
	# It sent without being asked, or has no body, or is too large, or speaks HTTP/1.0.
	for request in 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx' \
		'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n' \
		'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 7000000\r\n\r\n' \
		'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n'; do
		run peer "send=$request" fin rest
		assert_regex "$output" '^HTTP/1.1 (200|413)'
		refute_line --partial '100 Continue'
	done
}

@test "HEAD has the length and no body; a connection is kept, and closed when it is asked for" {
	serve listen -k --http 'hello\n' 127.0.0.1:0
	run curl -sSI "http://$ADDR/"
	assert_line --partial "200 OK"
	assert_line $'Content-Length: 6\r'
	refute_line hello
	run curl -sS -w '%{num_connects}\n' "http://$ADDR/a" "http://$ADDR/b"
	assert_output $'hello\n1\nhello\n0'
	run curl -sS -w '%{num_connects}\n' -H 'Connection: close' "http://$ADDR/a" "http://$ADDR/b"
	assert_output $'hello\n1\nhello\n1'
	run curl -sS --http1.0 -w '%{num_connects}\n' "http://$ADDR/a" "http://$ADDR/b"
	assert_output $'hello\n1\nhello\n1'
}

@test "without --keep and --max one answer closes; --max counts connections" {
	serve listen --http 'hello\n' 127.0.0.1:0
	run peer "times=2:$GET" rest
	assert_equal "$(grep -c '200 OK' <<<"$output")" 1
	assert_line $'Connection: close\r'
	served
	assert_equal "$status" 0
	printf "$GET$GET" | cmp - "$SERVED"
	serve listen --max 1 --http 'hello\n' 127.0.0.1:0
	run peer "times=3:$GET" fin rest
	assert_equal "$(grep -c '200 OK' <<<"$output")" 3
	served
	assert_equal "$status" 0
	printf "$GET$GET$GET" | cmp - "$SERVED"
}

@test "3000 pipelined requests are answered in order" {
	local request="HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${GET}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	serve listen -k --http 'body' 127.0.0.1:0
	peer "times=1000:$request" fin rest >"$BATS_TEST_TMPDIR/got"
	# Of three answers the first has no body.
	run python3 - "$BATS_TEST_TMPDIR/got" <<-'END'
		import sys
		parts = open(sys.argv[1], "rb").read().split(b"HTTP/1.1 200 OK\r\n")[1:]
		print(len(parts), [p.partition(b"\r\n\r\n")[2] for p in parts] == [b"", b"body", b"body"] * 1000)
	END
	assert_output "3000 True"
	end_served
	python3 -c 'import sys; sys.stdout.write(sys.argv[1].encode().decode("unicode_escape") * 1000)' "$request" |
		cmp - "$SERVED"
}

@test "status, headers and the type of a file are those that were asked for" {
	local file
	serve listen -k --http 'gone\n' --http-status 410 --http-header 'Retry-After:  5 ' \
		--http-header 'server: mine' --http-header 'Content-Type: x/y' 127.0.0.1:0
	run curl -sS -i "http://$ADDR/"
	assert_line $'HTTP/1.1 410 Gone\r'
	assert_line $'Retry-After: 5\r'
	assert_line $'server: mine\r'
	assert_line $'Content-Type: x/y\r'
	assert_line gone
	assert_equal "$(grep -ci '^server\|^content-type' <<<"$output")" 2
	serve listen -k --http 'nothing' --http-status 204 127.0.0.1:0
	run curl -sS -i "http://$ADDR/"
	assert_line $'HTTP/1.1 204 No Content\r'
	refute_line --partial nothing
	refute_line --partial Content-Length
	for file in page.html=text/html notes.TXT=text/plain data.json=application/json README=application/octet-stream; do
		echo x >"$BATS_TEST_TMPDIR/${file%=*}"
		serve listen --http "@$BATS_TEST_TMPDIR/${file%=*}" 127.0.0.1:0
		run curl -sS -o "$BATS_TEST_TMPDIR/got" -w '%{content_type}' "http://$ADDR/"
		assert_output --partial "${file#*=}"
		cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/${file%=*}"
	done
}

@test "a file is read anew for each answer: changed, missing, back" {
	local file=$BATS_TEST_TMPDIR/metrics.prom
	echo one >"$file"
	serve listen -k --http "@$file" 127.0.0.1:0
	run curl -sS "http://$ADDR/"
	assert_output one
	echo 'two and more' >"$file.new"
	mv "$file.new" "$file"
	run curl -sS "http://$ADDR/"
	assert_output 'two and more'
	rm "$file"
	run curl -sS -w '%{http_code}' "http://$ADDR/"
	assert_output $'404 Not Found\n404'
	mkfifo "$file"
	run curl -sS -w '%{http_code}' "http://$ADDR/"
	assert_output $'404 Not Found\n404'
	rm "$file"
	: >"$file"
	run curl -sS -w '%{http_code} %{size_download}' "http://$ADDR/"
	assert_output "200 0"
	cp "$DATA" "$file"
	curl -sS "http://$ADDR/" | cmp - "$DATA"
	end_served
	assert_equal "$status" 143
	assert_contains "$stderr" "answer with $file: No such file or directory" "it is no regular file any more"
	sockctl listen --http "@$BATS_TEST_TMPDIR/none" 127.0.0.1:0
	assert_refused 2 "read .*/none: No such file"
}

@test "a file that may not be read any more is 403" {
	local file=$BATS_TEST_TMPDIR/file
	skip_unless_root "another user's file is needed"
	echo one >"$file"
	# Capabilities that pass over modes are dropped.
	# shellcheck disable=SC2054 # a comma is part of the word
	IN_FRONT=(setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all "${IN_FRONT[@]}")
	serve listen -k --http "@$file" 127.0.0.1:0
	chmod 0 "$file"
	run curl -sS -w '%{http_code}' "http://$ADDR/"
	assert_output $'403 Forbidden\n403'
	end_served
	assert_contains "$stderr" "answer with $file: Permission denied"
}

@test "a file that shrinks while it is sent resets the connection" {
	local file=$BATS_TEST_TMPDIR/file
	truncate -s 64M "$file"
	serve listen --max 1 --http "@$file" 127.0.0.1:0
	run peer small "send=$GET" read=15 "cut=$file:1000" drop
	assert_output 'HTTP/1.1 200 OKRESET'
	served
	assert_equal "$status" 3
	assert_contains "$stderr" "the file shrank while it was sent: " "the connection is reset"
}

@test "a file that grows while it is sent has the length that was told" {
	local file=$BATS_TEST_TMPDIR/file
	truncate -s 32M "$file"
	serve listen --max 1 --http "@$file" 127.0.0.1:0
	peer small "send=$GET" read=15 "cut=$file:40000000" fin rest >"$BATS_TEST_TMPDIR/got"
	assert_equal "$(sed -b '1,/^\r$/d' "$BATS_TEST_TMPDIR/got" | wc -c)" 33554432
	served
	assert_equal "$status" 0
}

@test "a pipe and a descriptor are read once" {
	serve listen -k --http @/dev/fd/9 127.0.0.1:0 9< <(printf 'from a pipe')
	run curl -sS "http://$ADDR/" "http://$ADDR/"
	assert_output 'from a pipefrom a pipe'
	echo 'from a file' >"$BATS_TEST_TMPDIR/page.html"
	serve listen -k --http @/dev/fd/9 127.0.0.1:0 9<"$BATS_TEST_TMPDIR/page.html"
	echo 'another one' >"$BATS_TEST_TMPDIR/page.html"
	run curl -sS -w '%{content_type}' "http://$ADDR/"
	assert_output $'from a file\ntext/plain; charset=utf-8'
	INPUT=$DATA serve listen -k --http @- 127.0.0.1:0
	curl -sS "http://$ADDR/" | cmp - "$DATA"
}

@test "a file of 200 MB is not read into memory" {
	local file=$BATS_TEST_TMPDIR/file
	truncate -s 200M "$file"
	serve listen -k --http "@$file" 127.0.0.1:0
	assert_equal "$(curl -sS "http://$ADDR/" | wc -c)" 209715200
	assert_int "$(awk '/^VmHWM/ { print $2 }' "/proc/$PID/status") < 100000"
}

@test "several peers at once: whole requests on stdout" {
	local i one
	serve listen -k --http 'ok\n' 127.0.0.1:0
	for i in a b c d e f; do
		one=("send=POST /$i HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" "fill=300000:$i")
		peer "${one[@]}" "${one[@]}" "${one[@]}" fin rest >"$BATS_TEST_TMPDIR/got.$i" 3>&- &
		PIDS+=($!)
	done
	for i in "${PIDS[@]: -6}"; do
		await_end "$i" 0
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/got.* | grep -c '200 OK')" 18
	end_served
	run python3 - "$SERVED" <<-'END'
		import collections, sys
		data = open(sys.argv[1], "rb").read()
		n = collections.Counter()
		while data:
		    letter = data[6:7]
		    whole = b"POST /%c HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" % letter + letter * 300000
		    assert data.startswith(whole)
		    n[letter] += 1
		    data = data[len(whole):]
		print(sorted(n.values()))
	END
	assert_output "[3, 3, 3, 3, 3, 3]"
}

@test "a short request that is not whole holds nobody up, a long one does until its end" {
	local flag=$BATS_TEST_TMPDIR/flag
	serve listen -k --http 'ok\n' 127.0.0.1:0
	# Each waits until the other one has come so far.
	peer "send=POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc" "touch=$flag.1" \
		"wait=$flag.2" send=defghi fin rest >"$BATS_TEST_TMPDIR/short" 3>&- &
	PIDS+=($!)
	until_true test -e "$flag.1"
	run curl -sS "http://$ADDR/"
	assert_output ok
	peer "send=POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" fill=150000:x "touch=$flag.3" \
		"wait=$flag.4" fill=50000:x fin rest >"$BATS_TEST_TMPDIR/long" 3>&- &
	PIDS+=($!)
	is_inside() { (($(stat -c %s "$SERVED") > 150000)); }
	until_true is_inside
	touch "$flag.2"
	# Its request is there, and waits.
	peer "send=GET /waits HTTP/1.1\r\nHost: a\r\n\r\n" fin rest >"$BATS_TEST_TMPDIR/waits" 3>&- &
	PIDS+=($!)
	all_read() { (($(in_ns ss -Htan "sport = :$PORT" | awk '$1 == "CLOSE-WAIT" || $2 > 0' | wc -l) >= 1)); }
	until_true all_read
	assert_equal "$(cat "$BATS_TEST_TMPDIR/short" "$BATS_TEST_TMPDIR/waits")" ''
	touch "$flag.4"
	for i in "${PIDS[@]: -3}"; do
		await_end "$i" 0
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/{short,long,waits} | grep -cx ok)" 3
	end_served
	assert_equal "$(grep -ao '\(GET\|POST\) /[a-z]*' "$SERVED" | sort | tr '\n' ' ')" \
		"GET / GET /waits POST /long POST /short "
	run python3 -c 'import sys; d = open(sys.argv[1], "rb").read(); print((b"\r\n\r\n" + b"x" * 200000) in d)' "$SERVED"
	assert_output True
}

@test "a peer that ends inside its long request lets the others go on" {
	serve listen -k --http 'ok\n' 127.0.0.1:0
	run peer "send=POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" fill=150000:x fin rest
	assert_output ''
	run curl -sS "http://$ADDR/"
	assert_output ok
	end_served
	assert_contains "$stderr" "the peer ended in the middle of a request: 50000 bytes of its body are missing"
}

@test "a peer that ends in the middle of its request is a failure, one that says nothing is none" {
	local request what
	while IFS='|' read -r request what; do
		serve listen --http hello 127.0.0.1:0
		run peer "send=$request" fin rest
		assert_output ''
		served
		assert_equal "$status" 1
		assert_contains "$stderr" "the peer ended in the middle of a request$what"
		printf "$request" | cmp - "$SERVED"
	done <<-'END'
		GET /|'s header
		GET / HTTP/1.1\r\nHost: a\r\n|'s header
		POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc|: 7 bytes of its body are missing
		POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|: its last chunk is missing
	END
	serve listen --http hello 127.0.0.1:0
	run peer fin rest
	assert_output ''
	served
	assert_equal "$status" 0
}

@test "what could be read in two ways is refused, told, and nothing behind it is answered" {
	local request code why
	while IFS='|' read -r code request why; do
		serve listen --http hello 127.0.0.1:0
		run peer "send=$request$GET" rest
		assert_regex "$output" "^HTTP/1.1 $code "
		assert_equal "$(grep -ac 'HTTP/1.1 [0-9]' <<<"$output")" 1
		assert_line $'Connection: close\r'
		assert_contains "$output" "$why"
		served
		assert_equal "$status" 1
		assert_contains "$stderr" "a request was refused ($code): $why"
	done <<-'END'
		400|POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc|Content-Length is given twice
		400|POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n|Content-Length stands beside
		400|POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n|Content-Length is beyond
		400|GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n|a header line is folded
		400|GET / HTTP/1.1\nHost: a\n\n|a line ends with LF alone
		400|GET / HTTP/1.1\r\nHost : a\r\n\r\n|a blank stands before the colon
		400|POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\n|the size of a chunk
		400|\x16\x03\x01\x02\x00|the peer speaks TLS
		501|POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n|a Transfer-Encoding other than chunked
		505|PRI * HTTP/2.0\r\n\r\n|the version of the request is not HTTP/1
	END
}

@test "a header of more than 64 KiB is 431; of several peers nothing of it is written" {
	serve listen -k --http hello 127.0.0.1:0
	run peer "send=GET / HTTP/1.1\r\nHost: a\r\nX: " fill=65000:x "send=\r\n\r\n" fin rest
	assert_line $'HTTP/1.1 200 OK\r'
	run peer "send=GET / HTTP/1.1\r\nHost: a\r\nX: " fill=65536:x rest
	assert_line --partial 'HTTP/1.1 431 Request Header Fields Too Large'
	end_served
	assert_contains "$stderr" "a request was refused (431): the header is longer than 64 KiB"
	assert_equal "$(grep -ac '^GET' "$SERVED")" 1
	assert_int "$(stat -c %s "$SERVED") < 65100"
}

@test "a peer that sends 10 MB and is refused reads why" {
	serve listen --http hello --http-max-body 9999999 127.0.0.1:0
	run peer "send=POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" fill=10000000:x fin rest
	assert_line --partial 'HTTP/1.1 413 Content Too Large'
	assert_line '413 Content Too Large: the body is larger than --http-max-body allows'
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "a request was refused (413)" "(received 10000054 bytes"
	# In chunks it is known when it is too much.
	serve listen --http hello --http-max-body 1M 127.0.0.1:0
	run curl -sS -T - "http://$ADDR/" <"$DATA"
	assert_line --partial '413 Content Too Large'
	served
	assert_equal "$status" 1
}

@test "a refused peer that stays, or goes on sending, is ended" {
	local flag=$BATS_TEST_TMPDIR/flag
	serve listen --http hello 127.0.0.1:0
	peer "send=nonsense\r\n" rest "wait=$flag" >"$BATS_TEST_TMPDIR/got" 3>&- &
	PIDS+=($!)
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "a request was refused (400): this is no request line of HTTP/1"
	touch "$flag"
	await_end "${PIDS[-1]}" 0
	grep -q '^HTTP/1.1 400 Bad Request' "$BATS_TEST_TMPDIR/got"
	serve listen --http hello 127.0.0.1:0
	run peer "send=nonsense\r\n" fill=200000000:x
	assert_output RESET
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "a request was refused (400)"
}

@test "JSON and the report have every byte" {
	local json=$BATS_TEST_TMPDIR/json
	"${IN_FRONT[@]}" "$SOCKCTL" listen --json --report --max 2 --port-file "$BATS_TEST_TMPDIR/port" \
		--http hello 127.0.0.1:0 >/dev/null 2>"$json" 3>&- &
	PIDS+=($!)
	until_true test -s "$BATS_TEST_TMPDIR/port"
	ADDR=$(<"$BATS_TEST_TMPDIR/port")
	peer "times=2:$GET" fin rest >"$BATS_TEST_TMPDIR/got"
	peer "send=nonsense\r\n" rest
	await_end "${PIDS[-1]}" 0
	assert_valid "$(<"$json")"
	assert_json_in "$(grep '"closed"' "$json")" ".[0].end == \"complete\" and
		.[0].received_bytes == 54 and .[0].sent_bytes == $(stat -c %s "$BATS_TEST_TMPDIR/got")"
	assert_json_in "$(grep '"closed"' "$json")" \
		'.[1].end == "refused" and .[1].received_bytes == 10 and .[1].errno == "EPROTO"'
	assert_json_in "$(grep '"summary"' "$json")" \
		'.[0] | .connections == 2 and .complete == 1 and .failed == 1 and .received_bytes == 64'
}

@test "misbehaviour is obeyed: each answer is late, cut, or wrong" {
	serve listen -k --http "@$DATA" --corrupt 1000 127.0.0.1:0
	assert_equal "$(curl -sS "http://$ADDR/" | cmp -l - "$DATA" | wc -l)" 5243
	serve listen -k --http "@$DATA" --chunk 1000 127.0.0.1:0
	curl -sS "http://$ADDR/" | cmp - "$DATA"
	serve listen -k --http "@$DATA" --truncate 100000 127.0.0.1:0
	run peer "times=2:$GET" drop
	assert_output 100000
	serve listen --http hello --close-after-bytes 20 127.0.0.1:0
	run peer "send=$GET" rest
	refute_line --partial HTTP
	serve listen --http hello --hold 1h 127.0.0.1:0
	run peer "times=2:$GET" read=100
	assert_equal "$(grep -c 'HTTP/1.1 200' <<<"$output")" 1
	serve listen -k --http hello --delay 100ms 127.0.0.1:0
	run curl -sS -w ' %{time_total}\n' "http://$ADDR/" "http://$ADDR/"
	assert_regex "$output" $'^hello ([0-9.]+)\nhello ([0-9.]+)$'
	awk -v a="${BASH_REMATCH[1]}" -v b="${BASH_REMATCH[2]}" 'BEGIN { exit !(a >= 0.1 && b >= 0.1) }'
}

@test "--expect is found in a request, which is answered first" {
	serve listen -k --http hello --expect needle 127.0.0.1:0
	run peer "send=${GET}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\na needle, or" rest
	assert_equal "$(grep -c 'HTTP/1.1 200' <<<"$output")" 2
	assert_line --partial 'hello'
	serve listen --http hello --expect needle 127.0.0.1:0
	run peer "send=$GET" fin rest
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "the peer ended without sending what was expected"
}

@test "unix sockets and a file for each peer" {
	mkdir "$BATS_TEST_TMPDIR/in"
	serve listen -k --http "@$DATA" --output "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/s"
	curl -sS --unix-socket "$BATS_TEST_TMPDIR/s" "http://a/" | cmp - "$DATA"
	curl -sS --unix-socket "$BATS_TEST_TMPDIR/s" --data-binary "@$DATA" "http://a/" | cmp - "$DATA"
	cat "$BATS_TEST_TMPDIR"/in/* | tail -c 5242880 | cmp - "$DATA"
}

@test "wrk keeps its connections, and no answer is wrong" {
	command -v wrk >/dev/null || skip "no wrk here"
	serve listen -k --http hello 127.0.0.1:0
	run wrk -t1 -c20 -d1 "http://$ADDR/"
	assert_success
	refute_line --partial 'Socket errors'
	refute_line --partial 'Non-2xx'
	assert_regex "$output" '([0-9]+) requests in'
	assert_int 'BASH_REMATCH[1] > 100'
}

@test "nginx before it keeps its connection, and 5 MB pass both ways" {
	command -v nginx >/dev/null || skip "no nginx here"
	local dir=$BATS_TEST_TMPDIR server
	serve listen -k -v --http "@$DATA" "$dir/b"
	server=$PID
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		pid $dir/pid;
		error_log $dir/log;
		$(is_root && echo "user root;")
		events {}
		http {
			access_log off;
			client_max_body_size 0;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			upstream back { server unix:$dir/b; keepalive 1; }
			server {
				listen unix:$dir/s;
				location / { proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }
			}
		}
	END
	spawn nginx -c "$dir/nginx.conf" -e "$dir/log"
	"$SOCKCTL" probe -q --wait "${READY_WITHIN}s" "unix:$dir/s"
	curl -sS --unix-socket "$dir/s" "http://a/" | cmp - "$DATA"
	curl -sS --unix-socket "$dir/s" --data-binary "@$DATA" "http://a/" | cmp - "$DATA"
	curl -sS --unix-socket "$dir/s" -T - "http://a/" <"$DATA" | cmp - "$DATA"
	assert_equal "$(grep -aoc '\(GET\|POST\|PUT\) / HTTP/1.1' "$SERVED")" 3
	PID=$server end_served
	assert_equal "$(grep -c '^accepted' <<<"$stderr")" 1
}

@test "options of --http: refused without it, and with what it could not obey" {
	sockctl listen --http-status 404 127.0.0.1:0
	assert_refused 2 "--http-status belongs to --http"
	sockctl listen --http-header 'A: b' --reply x 127.0.0.1:0
	assert_refused 2 "--http-header belongs to --http"
	sockctl listen --http-max-body 0 127.0.0.1:0
	assert_refused 2 "--http-max-body belongs to --http"
	sockctl listen --http x --crlf 127.0.0.1:0
	assert_refused 2 "--crlf: the answer to --http has a length"
	sockctl listen --http x --http-status 100 127.0.0.1:0
	assert_refused 2 "http-status"
	sockctl listen --http x --http-header 'content-length: 5' 127.0.0.1:0
	assert_refused 2 "Content-Length is set by what is sent"
	sockctl listen --http x --http-header 'A b' 127.0.0.1:0
	assert_refused 2 "this character cannot be part of a name"
}
