#!/usr/bin/env bats
# Servers that do what they should, under load: there is nothing to tell in twenty looks. Each
# runs in the namespace of the test.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
}

@test "a healthy nginx, connections that stay" {
	nginx_on 8080
	until_shown -l --port 8080
	silent_under wrk -t1 -c40 -d2s http://127.0.0.1:8080/
}

@test "a healthy nginx, a connection a request" {
	nginx_on 8080
	until_shown -l --port 8080
	silent_under wrk -t1 -c20 -d2s -H 'Connection: close' http://127.0.0.1:8080/
}

@test "a healthy nginx whose workers share the port by SO_REUSEPORT" {
	nginx_on 8080 reuseport
	until_shown -l --port 8080
	silent_under wrk -t1 -c20 -d2s -H 'Connection: close' http://127.0.0.1:8080/
}

@test "a healthy redis" {
	redis_on 6379
	until_shown -l --port 6379
	silent_under redis-benchmark -q -n 20000 -c 50 -P 4 -t set,get,lpush,lrange_100
}

@test "a healthy postgresql" {
	local bin
	bin=$(postgres_bin)
	postgres_init
	postgres_on 5432
	until_shown -l --port 5432
	until_true in_ns "$bin/pg_isready" -q -h 127.0.0.1 -p 5432 -U test
	in_ns pgbench -q -i -h 127.0.0.1 -U test postgres >/dev/null 2>&1
	silent_under pgbench -h 127.0.0.1 -U test -c 10 -T 2 postgres
	silent_under pgbench -h 127.0.0.1 -U test -C -c 4 -T 2 postgres
}

@test "a healthy echo server of this program, many connections at once" {
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only 127.0.0.1:4711
	until_shown -l
	silent_under "$SOCKCTL" connect --connections 200 --hold 1s 127.0.0.1:4711
}
