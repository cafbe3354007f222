#!/usr/bin/env bats
# What a connection's own timers and counters tell: peers that do not answer keepalive probes.
# Each with a healthy twin.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

# Connections to the port that are idle, and probed after a second, each second, 30 times.
idle_clients() { # PORT NUMBER [USER_TIMEOUT_MS]
	spawn "${NS[@]}" python3 -c '
import signal, socket, sys
port, n, timeout = (int(x) for x in sys.argv[1:])
kept = []
for _ in range(n):
    c = socket.create_connection(("127.0.0.1", port))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 30)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
    kept.append(c)
print("ready", flush=True)
signal.pause()
' "$1" "$2" "${3-0}"
	await_line '^ready$'
}


@test "keepalive probes without an answer: a finding of the client, a note of nginx" {
	skip_unless_root 'drops packets with nft'
	servers_dir
	netns
	NGINX_WORKERS=1 nginx_on 8080 so_keepalive=1s:1s:30
	until_shown -l 'sport = :8080'
	idle_clients 8080 3
	local client=$PID
	until_shown 'dport = :8080 and timer = keepalive and last_ack_recv >= 500ms'
	drop_port 8080
	until_shown 'dport = :8080 and probes >= 2'
	findings
	assert_found 'warning keepalive-unanswered'
	assert_equal "$(culprits keepalive-unanswered)" "$client"
	assert_figures keepalive-unanswered 'sockets >= 1' 'probes >= 2' 'last_heard_ms >= 2000' 'keepcnt == 30' \
		'user_timeout_ms == 0' 'gives_up_ms <= 29000' 'gives_up_ms >= 1000'
	assert_text keepalive-unanswered 'last heard [0-9.]+s ago' 'gives up in about [0-9.]+s \(TCP_KEEPCNT 30\)' \
		'firewall or NAT on the way has forgotten' 'sockctl probe 127\.0\.0\.1:8080' 'nft list ruleset'
	until_shown 'sport = :8080 and probes >= 2'
	findings --findings=all
	assert_found 'warning keepalive-unanswered' 'note keepalive-unanswered'
}

@test "a user timeout ends it before the probes do" {
	skip_unless_root 'drops packets with nft'
	servers_dir
	netns
	redis_on 6379
	until_shown -l 'sport = :6379'
	idle_clients 6379 1 15000
	drop_port 6379
	until_shown 'dport = :6379 and probes >= 2'
	findings
	assert_found 'warning keepalive-unanswered'
	assert_figures keepalive-unanswered 'sockets == 1' 'keepcnt == 30' 'user_timeout_ms == 15000' 'gives_up_ms <= 14000'
	assert_text keepalive-unanswered 'gives up in about [0-9.]+s \(TCP_USER_TIMEOUT 15s\)'
}

@test "who may not read the options is not told when the kernel gives up" {
	skip_unless_root 'drops packets with nft, and acts as another user'
	servers_dir
	netns
	redis_on 6379
	until_shown -l 'sport = :6379'
	idle_clients 6379 1
	drop_port 6379
	until_shown 'dport = :6379 and probes >= 2'
	findings_as_user
	assert_found 'warning keepalive-unanswered'
	assert_figures keepalive-unanswered 'gives_up_ms == null' 'keepcnt == null' 'probes >= 2'
	assert_contains "$(get keepalive-unanswered .summary)" 'TCP_USER_TIMEOUT of the socket could not be read'
}

@test "probes that are answered are nothing to tell, nor are servers and clients under load" {
	servers_dir
	netns
	NGINX_WORKERS=1 nginx_on 8080 so_keepalive=1s:1s:3
	redis_on 6379 --tcp-keepalive 1
	until_shown -l 'sport = :8080'
	until_shown -l 'sport = :6379'
	idle_clients 8080 5
	idle_clients 6379 5
	until_shown 'dport = :6379 and timer = keepalive and bytes_received = 0 and segs_in >= 4'
	LOOKS=5 silent_under redis-benchmark -q -p 6379 -c 20 -n 2000 -t set,get
	findings --findings=all
	assert_found
}
