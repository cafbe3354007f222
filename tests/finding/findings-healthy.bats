#!/usr/bin/env bats
# Servers that do what they should, under load: there is nothing to tell. Each runs in the
# namespace of the test, bounded by a number of requests.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

LOOKS=4 # while the load runs, at least

setup() {
	netns
	servers_dir
}

# Looks again and again while the load of this process id runs, and once when it is over.
silent_while() { # PID
	local looks=0
	while kill -0 "$1" 2>/dev/null || ((looks < LOOKS)); do
		findings -tu
		assert_found || return 1
		looks=$((looks + 1))
	done
	await_end "$1"
	findings -tu
	assert_found
}

@test "a healthy nginx, connections that stay" {
	nginx_on 8080
	until_shown -l --port 8080
	in_ns wrk -t1 -c40 -d3s http://127.0.0.1:8080/ >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy nginx, a connection a request" {
	nginx_on 8080
	until_shown -l --port 8080
	in_ns wrk -t1 -c20 -d3s -H 'Connection: close' http://127.0.0.1:8080/ >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy nginx whose workers share the port by SO_REUSEPORT" {
	nginx_on 8080 reuseport
	until_shown -l --port 8080
	in_ns wrk -t1 -c20 -d3s -H 'Connection: close' http://127.0.0.1:8080/ >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy redis" {
	redis_on 6379
	until_shown -l --port 6379
	in_ns redis-benchmark -q -n 60000 -c 50 -P 4 -t set,get,lpush,lrange_100 >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy postgresql" {
	local bin
	bin=$(postgres_bin)
	postgres_init
	postgres_on 5432
	until_shown -l --port 5432
	until_true in_ns "$bin/pg_isready" -q -h 127.0.0.1 -p 5432 -U test
	in_ns pgbench -q -i -h 127.0.0.1 -U test postgres >/dev/null 2>&1
	in_ns pgbench -h 127.0.0.1 -U test -c 10 -T 3 postgres >/dev/null 2>&1 3>&- &
	silent_while $!
	in_ns pgbench -h 127.0.0.1 -U test -C -c 4 -T 2 postgres >/dev/null 2>&1 3>&- &
	silent_while $!
}

@test "a healthy echo server of this program, many connections at once" {
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only 127.0.0.1:4711
	until_shown -l
	in_ns "$SOCKCTL" connect --connections 200 --hold 2s 127.0.0.1:4711 3>&- &
	silent_while $!
}
