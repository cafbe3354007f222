#!/usr/bin/env bats
# Readers that are slow, and proxies that wait for them, are healthy; a program that does not
# read is found behind and beside them. Real servers, in the namespace of the test.

load ../lib/helpers
load ../lib/endpoint
load ../lib/findings
load ../lib/servers

LOOKS=${LOOKS-20}

setup() {
	netns
	servers_dir
}

silent_looks() { # NUMBER
	local looks
	for ((looks = 0; looks < $1; looks++)); do
		findings
		assert_found || return 1
	done
}

# nginx with a large file on one port, and the same through a proxy on others.
origin_and_proxies() { # ORIGIN NGINX_PROXY HAPROXY
	owned_dir web
	mkdir "$DIR/www"
	truncate -s 200M "$DIR/www/big"
	chmod -R a+rX "$DIR/www"
	cat >"$DIR/web/nginx.conf" <<-END
		daemon off;
		worker_processes 1;
		pid $DIR/web/pid;
		error_log $DIR/web/error.log;
		events { worker_connections 512; }
		http {
			access_log off;
			send_timeout 600s; # it closes what takes nothing for so long
			proxy_read_timeout 600s;
			proxy_send_timeout 600s;
			client_body_temp_path $DIR/web/body;
			proxy_temp_path $DIR/web/proxy;
			fastcgi_temp_path $DIR/web/fastcgi;
			uwsgi_temp_path $DIR/web/uwsgi;
			scgi_temp_path $DIR/web/scgi;
			server { listen 127.0.0.1:$1; root $DIR/www; }
			server { listen 127.0.0.1:$2; location / { proxy_buffering off; proxy_pass http://127.0.0.1:$1; } }
		}
	END
	as_service nginx -c "$DIR/web/nginx.conf" -e "$DIR/web/error.log"
	cat >"$DIR/web/haproxy.cfg" <<-END
		defaults
		 mode http
		 timeout connect 60s
		 timeout client 600s
		 timeout server 600s
		listen proxy
		 bind 127.0.0.1:$3
		 server origin 127.0.0.1:$1
	END
	as_service haproxy -db -f "$DIR/web/haproxy.cfg"
	HAPROXY=$PID
	until_shown -l --port "$1"
	until_shown -l --port "$2"
	until_shown -l --port "$3"
}

# Takes so many bytes a second, in bursts: it reads for a moment and then nothing for long.
slow_curl() { # RATE PORT
	spawn "${NS[@]}" curl -s --limit-rate "$1" -o /dev/null "http://127.0.0.1:$2/big"
}

# Reads so many bytes, and again after so many seconds, of what another process sends without end.
slow_reader() { # BYTES SECONDS [ADDRESS]
	spawn "${NS[@]}" python3 -c '
import os, socket, sys, time
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    s.bind((sys.argv[3], 0))
    s.listen()
    client = socket.create_connection(s.getsockname())
    server = s.accept()[0]
    if os.fork() == 0:
        server.close()
        while True:
            client.sendall(b"x" * 4096)
client.close()
while True:
    time.sleep(float(sys.argv[2]))
    server.recv(int(sys.argv[1]))
' "$1" "$2" "${3-127.0.0.1}"
}

# Talks without end to an echo server, and reads its answers slowly.
slow_echo_client() { # PORT
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c.setblocking(False)
while True:
    try:
        while True:
            c.send(b"x" * 65536)
    except BlockingIOError:
        pass
    time.sleep(0.5)
    try:
        c.recv(4096)
    except BlockingIOError:
        pass
' "$1"
}

# Answers /poll after ten minutes, and everything else piece by piece; takes WebSockets.
node_on() { # PORT
	spawn "${NS[@]}" node -e '
const http = require("http");
const server = http.createServer((request, response) => {
	if (request.url == "/poll") { setTimeout(() => response.end(), 600000); return; }
	request.resume();
	setInterval(() => response.write("piece\n"), 500);
});
server.on("upgrade", (request, socket) => {
	socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	setInterval(() => socket.write(Buffer.from([0x89, 0])), 1000);
	socket.resume();
});
server.listen(Number(process.argv[1]), "127.0.0.1");
' "$1"
	until_shown -l --port "$1"
}

# Ten long polls, ten WebSockets and ten requests whose client has ended its direction.
node_clients() { # PORT
	spawn "${NS[@]}" python3 -c '
import select, socket, sys
address = ("127.0.0.1", int(sys.argv[1]))
kept = []
for _ in range(10):
    for path, more in (("/poll", ""), ("/socket", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), ("/half", "")):
        c = socket.create_connection(address)
        c.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
        if path == "/half":
            c.shutdown(socket.SHUT_WR)
        kept.append(c)
while True:
    for c in select.select(kept, [], [])[0]:
        if not c.recv(65536):
            kept.remove(c)
' "$1"
}

# So many connections that say this once, read the answer if there is one, and say it again when
# they are told to: "ready" is said when all are answered.
askers() { # NUMBER PORT TEXT
	spawn "${NS[@]}" python3 -c '
import signal, socket, sys
kept = [socket.create_connection(("127.0.0.1", int(sys.argv[2]))) for _ in range(int(sys.argv[1]))]
def ask(*_):
    for c in kept:
        c.send(sys.argv[3].encode().decode("unicode_escape").encode())
ask()
for c in kept:
    c.recv(65536)
signal.signal(signal.SIGUSR1, ask)
print("ready", flush=True)
while True:
    signal.pause()
' "$@"
	await_line '^ready$'
	ASKERS=$PID
}

# A TLS server that reads, and clients of one process that only write: its session tickets lie
# unread in each.
tls_writers() { # NUMBER PORT
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$DIR/key" -out "$DIR/crt" -days 2 -subj /CN=x 2>/dev/null
	spawn "${NS[@]}" python3 -c '
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[1])
s = socket.create_server(("127.0.0.1", int(sys.argv[3])), backlog=100)
def drain(c):
    c = context.wrap_socket(c, server_side=True)
    while c.recv(65536):
        pass
while True:
    threading.Thread(target=drain, args=(s.accept()[0],), daemon=True).start()
' "$DIR/key" "$DIR/crt" "$2"
	until_shown -l --port "$2"
	spawn "${NS[@]}" python3 -c '
import socket, ssl, sys, time
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
kept = [context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))))
        for _ in range(int(sys.argv[1]))]
while True:
    for c in kept:
        c.send(b"x" * 100)
    time.sleep(0.2)
' "$@"
}

@test "slow readers, proxies, polls, sockets that stay: twenty looks and no warning" {
	local rate
	origin_and_proxies 8080 8081 8082
	for rate in 1k 10k 100k; do
		slow_curl "$rate" 8080
		slow_curl "$rate" 8081
		slow_curl "$rate" 8082
	done
	slow_reader 64 1
	slow_reader 3000 2
	slow_reader 100 1 127.0.0.9
	serve echo 127.0.0.1:4711
	slow_echo_client 4711
	node_on 8090
	node_clients 8090
	tls_writers 12 8443
	# The window of most is closed.
	until_shown 'timer = probe and last_data_sent >= 1s and sport = :8082'
	until_shown 'timer = probe and last_data_sent >= 1s and sport = :8080'
	until_shown 'dport = :8443 and recv_queue > 0 and last_data_recv >= 3s'
	silent_looks "$LOOKS"
	# They are notes, each with what is known of its rate.
	findings --findings=all
	assert_contains "$FOUND" 'note slow-reader'
	assert_equal "$(grep -v 'note slow-reader' <<<"$FOUND")" ''
	TEXT_OPTIONS=(--findings=all)
	assert_text slow-reader "haproxy\[$HAPROXY\]" 'waits to send [0-9]+ to 127.0.0.1:[0-9]+' \
		'the program read [0-9]+ in [0-9]+ ms' 'it may read at a limited rate'
}

# These processes, in this order, are the ones that do not read.
readers_told() { # PID...
	findings
	[[ $(culprits stuck-reader | sort -n | paste -sd ' ') == "$(printf '%s\n' "$@" | sort -n | paste -sd ' ')" ]]
}

@test "a client that is stopped behind a proxy is the one that is told" {
	origin_and_proxies 8080 8081 8082
	slow_curl 10M 8082
	local client=$PID
	until_shown 'state = established and sport = :8082 and bytes_acked > 1000000'
	kill -STOP "$client"
	until_shown 'timer = probe and last_data_sent >= 1s and sport = :8080'
	until_shown 'timer = probe and last_data_sent >= 1s and sport = :8082'
	findings
	assert_found 'warning stuck-reader'
	assert_equal "$(culprits stuck-reader)" "$client"
	# And another behind the other proxy, beside clients that are slow.
	slow_curl 10k 8081
	slow_curl 10M 8081
	client+=" $PID"
	until_shown 'state = established and sport = :8081 and bytes_acked > 5000000'
	kill -STOP "$PID"
	# shellcheck disable=SC2086 # two of them
	until_true readers_told $client
	assert_equal "$FOUND" $'warning stuck-reader\nwarning stuck-reader'
}

@test "a proxy that is stopped is told, though its client is slow" {
	origin_and_proxies 8080 8081 8082
	slow_curl 10k 8082
	until_shown 'timer = probe and last_data_sent >= 1s and sport = :8080'
	kill -STOP "$HAPROXY"
	findings
	assert_found 'warning stuck-reader'
	assert_equal "$(culprits stuck-reader)" "$HAPROXY"
}

both_told() {
	findings
	[[ $(culprits stuck-reader | wc -w) == 2 ]]
}

@test "two that wait for each other: neither reads" {
	spawn "${NS[@]}" python3 -c '
import os, socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    s.listen()
    client = socket.create_connection(s.getsockname())
    server = s.accept()[0]
me, other = (client, server) if os.fork() else (server, client)
other.close()
while True:
    me.sendall(b"x" * 65536)
'
	until_true both_told
	assert_equal "$FOUND" $'warning stuck-reader\nwarning stuck-reader'
}

requests_told() { # PID
	findings
	[[ $(culprits unread-requests) == "$1" ]]
}

@test "a redis that is stopped with requests of clients it has accepted" {
	redis_on 6379
	local redis=$PID
	until_shown -l --port 6379
	askers 12 6379 'PING\r\n'
	findings
	assert_found
	kill -STOP "$redis"
	kill -USR1 "$ASKERS"
	until_true requests_told "$redis"
	assert_found 'warning unread-requests'
	assert_figures unread-requests 'sockets == 12' 'recv_queue_bytes == 72' 'last_received_ms >= 3000'
	assert_text unread-requests "12 connections that port 6379 accepted, redis-server\[$redis\] fd [0-9]" \
		'72 bytes wait in RECV-Q, the oldest for ' 'From 127\.0\.0\.1\.' \
		"next: redis-server\[$redis\] is stopped \(state T\); to let it go on:" "kill -CONT $redis"
	kill -CONT "$redis"
	until_true requests_told ''
	assert_found
}

@test "seven requests that nobody reads are too few to tell" {
	redis_on 6379
	local redis=$PID
	until_shown -l --port 6379
	askers 7 6379 'PING\r\n'
	kill -STOP "$redis"
	kill -USR1 "$ASKERS"
	until_shown 'sport = :6379 and recv_queue > 0 and last_data_recv >= 3s'
	findings
	assert_found
}

@test "a node whose loop is busy, with requests on connections that stay" {
	spawn "${NS[@]}" node -e '
const server = require("http").createServer((request, response) => {
	response.end("hello\n");
	if (request.url == "/spin") { for (;;); }
});
server.keepAliveTimeout = 600000;
server.listen(8090, "127.0.0.1");
'
	local node=$PID
	until_shown -l --port 8090
	askers 9 8090 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
	in_ns curl -s -m 1 http://127.0.0.1:8090/spin >/dev/null || true
	kill -USR1 "$ASKERS"
	until_true requests_told "$node"
	assert_contains "$FOUND" 'warning unread-requests'
	assert_figures unread-requests 'sockets >= 9'
}
