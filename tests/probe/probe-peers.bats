#!/usr/bin/env bats
# Real servers as targets: what each answers, and names of a real name server.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe
load ../lib/servers

# A query for the address of both.test, as dnsmasq gets it; the answer has 10.99.0.2.
QUERY='\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04both\x04test\x00\x00\x01\x00\x01'

# --- servers ---

@test "nginx: a connection, a status, a page that is not there, a dead server behind it" {
	netns
	servers_dir
	nginx_on 8080
	probe --wait 20s -q 127.0.0.1:8080
	assert_clean
	assert_outcome 0 open 'rtt .*HTTP 200, says: HTTP/1.1 200 OK' --http 127.0.0.1:8080
	assert_equal "$(attempt .http_status)" 200
	assert_int "$(attempt .first_byte_us) > 0"
	assert_outcome 0 open 'HTTP 200' --http --expect hello 127.0.0.1:8080
	assert_outcome 0 open 'HTTP 200' --http --expect '/^Content-Length: 6$/' 127.0.0.1:8080
	assert_outcome 0 open 'HTTP 404' --http=/missing 127.0.0.1:8080
	assert_outcome 0 open 'HTTP 502' --http=/behind 127.0.0.1:8080
	assert_outcome 1 unexpected 'answered HTTP 404, but without what matches the expected pattern.*; it said: HTTP/1.1 404' \
		--http=/missing --expect '/^HTTP[^ ]* 200 /' 127.0.0.1:8080
	assert_outcome 0 open 'verified' --verify --stable 100ms 127.0.0.1:8080
	# What must stay open is not asked to close.
	assert_outcome 0 open 'HTTP 200' --http --stable 100ms 127.0.0.1:8080
	probe -v --http localhost:8080
	assert_clean
	assert_line --regexp '^  name [0-9.]+ m?s, connect [0-9.]+ m?s, first byte [0-9.]+ m?s$'
	# It waits for a request: there is no banner.
	assert_outcome 4 silent 'an answer did not come' --banner -T 200ms 127.0.0.1:8080
}

@test "nginx: the sites of one address are told apart by --http-header" {
	netns
	servers_dir
	NGINX_SERVERS='server { listen 127.0.0.1:8080; server_name one.example; return 200 "site one\n"; }
		server { listen 127.0.0.1:8080; server_name two.example;
			location / { return 503 "$http_x_token|$http_accept|$http_user_agent|$http_connection\n"; } }' nginx_on 8080
	probe --wait 20s -q 127.0.0.1:8080
	assert_clean
	assert_outcome 0 open 'HTTP 200' --http --expect hello 127.0.0.1:8080
	assert_outcome 0 open 'HTTP 200' --http --http-header 'Host: one.example' --expect 'site one' 127.0.0.1:8080
	assert_outcome 0 open 'HTTP 503' --http --http-header 'host:two.example' 127.0.0.1:8080
	assert_outcome 1 unexpected 'answered HTTP 503' --http --http-header 'HOST: two.example' --expect '/ 200 /' 127.0.0.1:8080
	# What is given replaces what is sent otherwise; blanks around a value are not part of it.
	assert_outcome 0 open 'HTTP 503' --http --http-header 'Host: two.example' --http-header $'X-Token: \t a:b c \t' \
		--http-header 'accept: text/html' --http-header 'User-Agent: me' --http-header 'Connection: keep-alive' \
		--expect 'a:b c|text/html|me|keep-alive' 127.0.0.1:8080
	# Each replaced once: nginx answers 400 to two Hosts.
	assert_outcome 0 open 'HTTP 200' --http --http-header 'Host: one.example' --http-header 'X-Empty:' 127.0.0.1:8080
}

@test "a header that is none is refused with its place" {
	probe --http --http-header $'X: a\nHost: b' 127.0.0.1:1
	assert_refused 2 'a value is one line: no CR or LF'
	probe --http --http-header $'X: a\rHost: b' 127.0.0.1:1
	assert_refused 2 'a value is one line: no CR or LF'
	probe --http --http-header $'X: a\x1bb' 127.0.0.1:1
	assert_refused 2 'a value has no control characters'
	probe --http --http-header 'X y: a' 127.0.0.1:1
	assert_refused 2 'this character cannot be part of a name'
	probe --http --http-header ': a' 127.0.0.1:1
	assert_refused 2 'the name is missing'
	probe --http --http-header '' 127.0.0.1:1
	assert_refused 2 'the name is missing'
	probe --http --http-header 'Host' 127.0.0.1:1
	assert_refused 2 'the colon after the name is missing'
	probe --http --http-header 'Host: a' --http-header 'host: b' 127.0.0.1:1
	assert_refused 2 'Host is given twice'
	probe --http-header 'Host: a' 127.0.0.1:1
	assert_refused 2 '--http-header belongs to --http'
}

@test "redis: answers a command, says that it wants a password" {
	netns
	servers_dir
	redis_on 6379
	probe --wait 20s -q --send 'PING\r\n' --expect '+PONG\r\n' 127.0.0.1:6379
	assert_clean
	assert_outcome 0 open 'says: \+PONG' --send 'PING\r\n' --expect '/^\+PONG$/' 127.0.0.1:6379
	printf 'CONFIG SET requirepass secret\r\n' >"$BATS_TEST_TMPDIR/command"
	probe --send "@$BATS_TEST_TMPDIR/command" 127.0.0.1:6379
	assert_clean
	assert_output --partial 'says: +OK'
	assert_outcome 1 unexpected 'answered, but without the expected text; it said: -NOAUTH' \
		--send 'PING\r\n' --expect +PONG -T 1s 127.0.0.1:6379
}

@test "postgresql: accepts long before it serves, which --wait with --expect sees" {
	local startup ready='Z\x00\x00\x00\x05I' pid out go
	netns
	servers_dir
	go=$DIR/go
	startup='\x00\x00\x00\x25\x00\x03\x00\x00user\x00test\x00database\x00postgres\x00\x00'
	postgres_init
	# Recovery from an archive that does not answer until it may.
	touch "$DIR/data/recovery.signal"
	postgres_on 5432 -c hot_standby=off -c "restore_command=until [ -e $go ]; do sleep 0.05; done; false"
	probe --wait "${READY_WITHIN}s" 127.0.0.1:5432
	assert_clean
	spawn "${NS[@]}" "$SOCKCTL" probe --wait "${READY_WITHIN}s" --json --send "$startup" --expect "$ready" \
		127.0.0.1:5432
	pid=$PID out=$OUT
	await_line '"outcome":"unexpected".*it said: E.*starting up'
	kill -0 "$pid"
	touch "$go"
	OUT=$out await_line '"type":"attempt".*"outcome":"open"'
	await_end "$pid"
	in_ns "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p 5432 -U test
	# The user is not there: it says so and closes.
	assert_outcome 1 unexpected 'without the expected text, then closed.*; it said: R.*role .nobody.' --expect "$ready" \
		--send '\x00\x00\x00\x15\x00\x03\x00\x00user\x00nobody\x00\x00' 127.0.0.1:5432
}

@test "a proxy that accepts for a server that is gone: open, but not for --stable" {
	netns
	spawn "${NS[@]}" socat TCP-LISTEN:80,bind=127.0.0.1,fork,reuseaddr TCP:127.0.0.1:81
	probe --wait 20s 127.0.0.1:80
	assert_clean
	assert_outcome 1 closed-after-accept 'accepted, then closed by the peer after [0-9.]+ m?s' --stable 20s 127.0.0.1:80
	probe --wait 3s --stable 2500ms 127.0.0.1:80
	assert_refused 4 'is closed-after-accept: accepted, then closed by the peer'
	mk listen:addr=127.0.0.1,port=81,backlog=64
	probe --wait 20s --stable 200ms 127.0.0.1:80
	assert_clean
}

# --- the recipes of the manual page, as they are printed there ---

# The command whose text has WORD, of the section on readiness.
recipe() { # WORD
	mandoc -T utf8 -O width=200 "$TOP/man/sockctl-probe.1" | sed 's/.\x08//g' |
		sed -n '/^ *Readiness$/,/^[A-Z]/p' | sed -n '/^ *sockctl probe/{:a /\\$/{N;ba};p}' |
		sed -n "s/^ *//; /$1/p; /\\\\$/{N;/$1/p}"
}

# Where db and cache are this host, and sockctl is ours: prints what the shell is to run.
begin_recipe() { # WORD: sets PID; what it tells comes from OUT
	local text
	text=$(recipe "$1")
	assert_regex "$text" '^sockctl probe --wait 30s '
	printf '127.0.0.1 db cache\n' >"$BATS_TEST_TMPDIR/names"
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	ln -sf "$SOCKCTL" "$BATS_TEST_TMPDIR/bin/sockctl"
	# Only that it tells each attempt is added, and that a slow machine has its time.
	text=${text/probe --wait 30s/probe --json --wait ${READY_WITHIN}s}
	spawn "${NS[@]}" unshare --mount sh -c 'mount --bind "$1" /etc/hosts && cd "$2" && PATH=$2/bin:$PATH exec sh -c "$3"' \
		sh "$BATS_TEST_TMPDIR/names" "$BATS_TEST_TMPDIR" "$text"
}

@test "the recipe for redis: loading is not ready" {
	skip_unless_mounts 'names of its own'
	netns
	servers_dir
	local pid out cli=(redis-cli -h 127.0.0.1 -p 6379)
	redis_on 6379 --enable-debug-command yes
	local server=$PID
	begin_recipe "PING"
	await_line '"outcome":"open".*\+PONG'
	await_end "$PID"
	in_ns "${cli[@]}" DEBUG POPULATE 3000 key 100 >/dev/null
	in_ns "${cli[@]}" SAVE >/dev/null
	kill "$server"
	await_end "$server" any
	# Ten milliseconds a key, until it is told otherwise.
	mv "$DIR/redis" "$DIR/data"
	redis_on 6379 --dir "$DIR/data" --key-load-delay 10000 --loading-process-events-interval-bytes 1024
	begin_recipe "PING"
	pid=$PID out=$OUT
	await_line '"outcome":"unexpected".*-LOADING'
	kill -0 "$pid"
	in_ns "${cli[@]}" CONFIG SET key-load-delay 0 >/dev/null
	OUT=$out await_line '"outcome":"open".*\+PONG'
	await_end "$pid"
}

@test "the recipe for redis with a password" {
	skip_unless_mounts 'names of its own'
	netns
	servers_dir
	redis_on 6379 --requirepass secret
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:6379
	assert_outcome 1 unexpected 'it said: -NOAUTH' --send 'PING\r\n' --expect '+PONG' 127.0.0.1:6379
	printf 'AUTH wrong\nPING\n' >"$BATS_TEST_TMPDIR/redis.auth"
	begin_recipe "redis.auth"
	local pid=$PID
	await_line '"outcome":"unexpected".*-WRONGPASS'
	kill "$pid"
	await_end "$pid" any
	printf 'AUTH secret\nPING\n' >"$BATS_TEST_TMPDIR/redis.auth"
	begin_recipe "redis.auth"
	await_line '"outcome":"open".*\+PONG'
	await_end "$PID"
}

@test "the recipe for postgresql: starting up is not ready" {
	skip_unless_mounts 'names of its own'
	local pid out go
	netns
	servers_dir
	go=$DIR/go
	postgres_init
	touch "$DIR/data/recovery.signal"
	postgres_on 5432 -c hot_standby=off -c "restore_command=until [ -e $go ]; do sleep 0.05; done; false"
	local server=$PID
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:5432
	assert_clean
	begin_recipe "db:5432"
	pid=$PID out=$OUT
	await_line '"outcome":"unexpected".*starting up'
	kill -0 "$pid"
	# What the manual page warns of.
	assert_outcome 0 open 'says: [NS]' --send '\x00\x00\x00\x08\x04\xd2\x16\x2f' --expect '/^[NS]/' 127.0.0.1:5432
	touch "$go"
	OUT=$out await_line '"type":"attempt".*"outcome":"open"'
	await_end "$pid"
	# With a password, too.
	printf 'host all all 127.0.0.1/32 scram-sha-256\n' >"$DIR/data/pg_hba.conf"
	kill -HUP "$server"
	asks_for_password() {
		in_ns "$SOCKCTL" probe -q --send '\x00\x00\x00\x13\x00\x03\x00\x00user\x00test\x00\x00' \
			--expect SCRAM-SHA-256 127.0.0.1:5432
	}
	until_true asks_for_password
	begin_recipe "db:5432"
	await_line '"outcome":"open".*SCRAM'
	await_end "$PID"
}

# --- HTTP ---

@test "HTTP: an answer that is not the expected one is decided where it ends, not at the deadline" {
	netns
	SERVER=()
	local chunks='HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"status"\r\n6\r\n:"bad"\r\n1\r\n}\r\n'
	# None of them closes.
	peer answer 127.0.0.1 80 "${chunks}0\\r\\n\\r\\n"
	peer answer 127.0.0.1 81 'HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'
	peer answer 127.0.0.1 82 "$chunks"
	peer answer 127.0.0.1 83 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'
	peer answer 127.0.0.1 84 'HTTP/1.1 503 Busy\r\n\r\n'
	local port
	for port in 80 81 83; do
		# A deadline of a day would not end here.
		assert_outcome 1 unexpected 'answered HTTP 503, but without what matches' -T 1d --http --expect '/ 200 /' 127.0.0.1:$port
		assert_outcome 0 open 'HTTP 503' --http 127.0.0.1:$port
	done
	# Neither is over by its own words: the deadline.
	for port in 82 84; do
		assert_outcome 1 unexpected 'answered HTTP 503, but without what matches' -T 300ms --http --expect '/ 200 /' 127.0.0.1:$port
	done
	# A text that begins in one chunk and ends in another.
	assert_outcome 0 open 'HTTP 503' -T 1d --http --expect '{"status":"bad"}' 127.0.0.1:80
	assert_outcome 0 open 'HTTP 503' -T 1d --http --expect '/"status":"(bad|worse)"}$/' 127.0.0.1:80
	# --wait goes on asking.
	probe --json --wait 700ms -T 1d --http --expect '/ 200 /' 127.0.0.1:81
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 3 and all(. == "unexpected")'
	# Not one byte is another matter.
	peer silent 127.0.0.1 85
	assert_outcome 4 silent 'accepted, but an answer did not come' -T 300ms --http --expect '/ 200 /' 127.0.0.1:85
	# How far it looked.
	peer flood 127.0.0.1 86
	assert_outcome 1 unexpected 'without the expected text \(the first 64 KiB were searched\)' -T 1d --expect pong 127.0.0.1:86
}

@test "HTTP: an answer in TLS or HTTP/2 is called that, with what to ask instead" {
	netns
	servers_dir
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$DIR/key" -out "$DIR/cert" 2>/dev/null
	# OpenSSL closes without a word when it sees GET.
	spawn "${NS[@]}" gnutls-serv --quiet --port 8443 --x509keyfile "$DIR/key" --x509certfile "$DIR/cert"
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:8443
	assert_clean
	assert_outcome 1 unexpected 'the port speaks TLS: try .curl -kv https://' -T 1d --http 127.0.0.1:8443
	nginx_on 8081 http2
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:8081
	assert_outcome 1 unexpected 'the port speaks HTTP/2 without TLS: try .curl -v --http2-prior-knowledge' -T 1d --http 127.0.0.1:8081
	run in_ns curl -s -o /dev/null -w '%{http_version}' --http2-prior-knowledge http://127.0.0.1:8081/
	assert_output 2
}

# --- a name server ---

# dnsmasq in the server's namespace, for .test; what is below servfail.test it asks a server
# that fails.
name_server() {
	skip_unless_mounts 'it mounts a resolv.conf'
	link
	server_mk listen:addr=$V4,port=80,backlog=64 "listen:family=6,addr=$V6,port=80,backlog=64,label=six"
	on_server ip addr add 10.99.0.3/24 dev down0
	spawn "${SERVER[@]}" "$TOP/tests/lib/peer" servfail $V4 5300
	await_line '^ready$'
	: >"$BATS_TEST_TMPDIR/hosts"
	spawn "${SERVER[@]}" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--bind-interfaces --listen-address=$V4 --pid-file= --user=root --local=/test/ --local-ttl=0 \
		--addn-hosts="$BATS_TEST_TMPDIR/hosts" --server=/servfail.test/$V4#5300 \
		--host-record=both.test,$V4,$V6 --host-record=four.test,$V4 --host-record=six.test,$V6 \
		--host-record=many.test,$V4 --host-record=many.test,10.99.0.3 \
		--host-record=half.test,$V4,fd99::77 --host-record=worse.test,$NOBODY,$V6
	DNSMASQ=$PID
	probe --wait "${READY_WITHIN}s" -q --send "$QUERY" udp:$V4:53
	assert_clean
}

# assert_outcome with the name server's names.
named_outcome() { # CODE OUTCOME REASON_REGEX ARG...
	local NS=("$TOP/tests/lib/with-resolver" "$V4" "$BATS_TEST_TMPDIR" "${NS[@]}")
	assert_outcome "$@"
}

@test "dnsmasq over UDP: a query in escapes is answered" {
	name_server
	assert_outcome 0 open 'answered after [0-9.]+ ms, says: .x124' --send "$QUERY" --expect '\x0a\x63\x00\x02' udp:$V4:53
	assert_regex "$(attempt .answer_hex)" '^1234.*0a630002$'
	# Without words of ours, a query of its own kind is sent to this port.
	assert_outcome 0 open answered udp:$V4:53
	assert_outcome 1 unexpected 'answered, but without the expected text' --send "$QUERY" --expect nonsense \
		-T 1s udp:$V4:53
	assert_outcome 0 open rtt $V4:53
}

@test "names: one address or several, of one family or both, the first that answers" {
	name_server
	named_outcome 0 open rtt both.test:80
	assert_equal "$(attempt .addr)" "$V6"
	assert_int "$(attempt .name_us) > 0"
	named_outcome 0 open rtt -4 both.test:80
	assert_equal "$(attempt .addr)" "$V4"
	named_outcome 0 open rtt -6 both.test:80
	assert_equal "$(attempt .addr)" "$V6"
	named_outcome 0 open rtt six.test:80
	# Of two IPv4 addresses one refuses: the other is tried.
	named_outcome 0 open rtt many.test:80
	assert_equal "$(attempt .addr)" "$V4"
	# Nobody has the IPv6 address: a quarter of a second later IPv4 is tried beside it.
	named_outcome 0 open rtt half.test:80
	assert_equal "$(attempt .addr)" "$V4"
	# Both fail: a refusal says more than a silence.
	server_rule input ip daddr $V4 tcp dport 81 drop
	named_outcome 1 refused RST -T 1s both.test:81
	assert_equal "$(attempt .addr)" "$V6"
	named_outcome 5 no-name "does not resolve to IPv6" -6 four.test:80
	# The name server listens on IPv4 only: what IPv6 refuses is asked there, over UDP, too.
	named_outcome 0 open 'answered after' udp:both.test:53
	assert_equal "$(attempt .addr)" "$V4"
	named_outcome 1 refused-icmp 'port unreachable' udp:both.test:54
	assert_equal "$(attempt .addr)" "$V4"
	# And what IPv6 said is no fact of the address that is open.
	server_rule prerouting ip6 daddr $V6 tcp dport 53 reject
	named_outcome 0 open rtt both.test:53
	assert_equal "$(attempt .addr)" "$V4"
	assert_equal "$(attempt .icmp_type)" null
}

@test "names: what became of the addresses before the one that answered" {
	name_server
	# Nobody has the IPv6 address; the other is asked beside it, and wins.
	named_outcome 0 open rtt half.test:80
	assert_equal "$(attempt '.tried | length')" 1
	assert_equal "$(attempt '.tried[0] | "\(.addr) \(.port) \(.outcome)"')" 'fd99::77 80 null'
	assert_regex "$(attempt '.tried[0].reason')" '^no answer yet after '
	# Refused: by a listener that is there for IPv4 only.
	server_mk listen:addr=$V4,port=82,backlog=64,label=four
	named_outcome 0 open rtt both.test:82
	assert_equal "$(attempt '.tried[0] | "\(.addr) \(.outcome)"')" "$V6 refused"
	assert_regex "$(attempt '.tried[0].reason')" '^RST after'
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe -v both.test:82
	assert_clean
	assert_line --regexp "^  before: \[$V6\]:82 refused, RST after"
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe both.test:82
	refute_output --partial before
	# Where all fail, the others stand beside the one that is told.
	named_outcome 1 refused RST both.test:83
	assert_equal "$(attempt '[.addr, .tried[].addr] | sort | join(" ")')" "$V4 $V6"
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe -v both.test:83
	assert_status 1
	assert_line --regexp '^  also asked: .*:83 refused, RST after'
	# One address has nobody beside it, and so has the first that answers.
	named_outcome 0 open rtt four.test:80
	assert_equal "$(attempt 'has("tried")')" false
	named_outcome 0 open rtt both.test:80
	assert_equal "$(attempt 'has("tried")')" false
}

@test "names: over UDP a silent address leaves its time to the next" {
	name_server
	server_rule prerouting "ip6 daddr $V6 udp dport { 53, 54, 55 } drop"
	named_outcome 0 open 'answered after' -T 2s udp:both.test:53
	assert_equal "$(attempt .addr)" "$V4"
	assert_equal "$(attempt '.tried[0] | "\(.addr) \(.outcome)"')" "$V6 open-or-filtered"
	# A silence may be a server: what the other refuses is not the whole answer.
	named_outcome 4 open-or-filtered 'no answer' -T 2s udp:both.test:54
	assert_equal "$(attempt .addr)" "$V6"
	assert_equal "$(attempt '.tried[0] | "\(.addr) \(.outcome)"')" "$V4 refused-icmp"
	# An answer that is not the expected one is one, and is waited for no longer than asked.
	peer udpecho $V4 55
	named_outcome 1 unexpected 'answered, but without the expected text' -T 2s --send x --expect y udp:both.test:55
	assert_equal "$(attempt .addr)" "$V4"
	# Silence of all: one after the other, within one deadline.
	server_rule input "udp dport 56 drop"
	named_outcome 4 open-or-filtered 'no answer' -T 1s udp:both.test:56
	assert_equal "$(attempt '.tried | length')" 1
}

@test "names: every address by itself" {
	name_server
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --all-addresses many.test:80
	assert_status 1
	assert_equal "$stderr" ''
	assert_line --regexp '^many.test:80 +10.99.0.2:80 +open '
	assert_line --regexp '^many.test:80 +10.99.0.3:80 +refused +RST'
	assert_line '1 of 2 reachable'
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --all-addresses --json both.test:80
	assert_status 0
	assert_valid
	assert_json 'map(select(.type == "attempt")) | map(.addr) | sort == ["10.99.0.2", "fd99::2"]'
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --all-addresses many.test:79-99
	assert_status 1
	assert_line --regexp '^10.99.0.2: 1 of 21 ports open'
	assert_line --regexp '^10.99.0.3: 0 of 21 ports open'
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --all-addresses none.test:80
	assert_status 5
	assert_output --partial no-name
	# One that does not answer is enough for a no, whatever the form.
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe -q --all-addresses many.test:80
	assert_status 1
	assert_equal "$output$stderr" ''
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe -q --all-addresses both.test:80
	assert_status 0
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --wait 300ms --all-addresses many.test:80
	assert_status 4
	assert_regex "$stderr" 'waited 300 ms, 10.99.0.3:80 is refused'
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --wait 300ms --all-addresses none.test:80
	assert_status 4
	assert_regex "$stderr" 'waited 300 ms, none.test:80 is no-name'
}

@test "names: --wait with --all-addresses waits for the name, and then for each address" {
	name_server
	on_server nft -f - <<-END
		table inet asked {
			counter queries { }
			chain c {
				type filter hook input priority 0;
				udp dport 53 counter name queries
			}
		}
	END
	queries() { (($(on_server nft -j list counter inet asked queries | jq '.nftables[] | .counter? // empty | .packets') >= $1)); }
	spawn "$TOP/tests/lib/with-resolver" "$V4" "$BATS_TEST_TMPDIR" "${NS[@]}" "$SOCKCTL" probe --json \
		--wait "${READY_WITHIN}s" --all-addresses later.test:80
	local out=$OUT pid=$PID
	until_true queries 4
	printf '%s later.test\n' $V4 10.99.0.3 >"$BATS_TEST_TMPDIR/hosts"
	kill -HUP "$DNSMASQ"
	await_line '"addr":"10.99.0.3".*"outcome":"refused"'
	kill -0 "$pid"
	server_mk listen:addr=10.99.0.3,port=80,backlog=64,label=late
	OUT=$out await_line '"type":"attempt".*"addr":"10.99.0.3".*"outcome":"open"'
	await_end "$pid"
}

@test "names: that do not exist, a server that fails, is gone, or silent" {
	name_server
	named_outcome 5 no-name "the name 'none.test' does not resolve" none.test:80
	named_outcome 5 name-timeout "$V4 answers SERVFAIL" x.servfail.test:80
	kill "$DNSMASQ"
	await_end "$DNSMASQ" any
	# The resolver's own questions have used up what the kernel refuses a second.
	"${SERVER[@]}" sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
	named_outcome 5 name-timeout "$V4 refuses UDP port 53" both.test:80
	server_rule input udp dport 53 drop
	named_outcome 5 name-timeout "$V4 gave no answer in" -T 500ms both.test:80
}

@test "names: the answer changes to another address, and away" {
	name_server
	server_mk listen:addr=10.99.0.3,port=80,backlog=640,label=other
	echo "$V4 moving.test" >"$BATS_TEST_TMPDIR/hosts"
	kill -HUP "$DNSMASQ"
	spawn "$TOP/tests/lib/with-resolver" "$V4" "$BATS_TEST_TMPDIR" "${NS[@]}" "$SOCKCTL" probe --attempts 0 --interval 5ms -T 1s moving.test:80
	local out=$OUT pid=$PID
	# Until dnsmasq has read the file there is no such name.
	await_line "moving.test:80  $V4:80  open"
	echo "10.99.0.3 moving.test" >"$BATS_TEST_TMPDIR/hosts"
	kill -HUP "$DNSMASQ"
	OUT=$out await_line 'moving.test:80  10.99.0.3:80  open'
	: >"$BATS_TEST_TMPDIR/hosts"
	kill -HUP "$DNSMASQ"
	OUT=$out await_line 'moving.test:80  -  no-name'
	kill -INT "$pid"
	OUT=$out await_line ' open, [0-9]+ no-name, [0-9.]+ % failed$'
	await_end "$pid" '0|130'
}

@test "names: --wait goes on until the name exists" {
	name_server
	spawn "$TOP/tests/lib/with-resolver" "$V4" "$BATS_TEST_TMPDIR" "${NS[@]}" "$SOCKCTL" probe --wait 20s --json \
		later.test:80
	local out=$OUT pid=$PID
	await_line '"outcome":"no-name"'
	echo "$V4 later.test" >"$BATS_TEST_TMPDIR/hosts"
	kill -HUP "$DNSMASQ"
	OUT=$out await_line '"type":"attempt".*"outcome":"open"'
	await_end "$pid"
}
