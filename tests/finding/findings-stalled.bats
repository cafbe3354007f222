#!/usr/bin/env bats
# Servers that stop accepting long before their queue is full: real ones, stopped or busy. Beside
# them stand those that are slow, or have a burst to work off, of which nothing is told.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
}

# So many clients that say nothing and stay.
clients() { # N PORT
	spawn "${NS[@]}" "$SOCKCTL" connect --connections "$1" --hold 300s -T 300s "127.0.0.1:$2"
}

# So many wait, the oldest for a second.
until_waiting() { # N PORT
	until_shown -l --port "$2" "accept_queue >= $1 and longest_wait >= 1s"
}

assert_stalled() { # N LIMIT
	assert_found 'warning accept-stalled'
	assert_figures accept-stalled "accept_queue == $1" "accept_queue_limit == $2" 'accepts == 0' \
		'accepted == 0' 'longest_wait_ms >= 2000'
	assert_contains "$(get accept-stalled .summary)" 'None was accepted between two readings'
}

@test "an nginx whose worker is stopped: 5 of 511" {
	nginx_on 8080
	until_shown -l --port 8080
	local worker
	until_true pgrep -P "$PID" >/dev/null
	for worker in $(pgrep -P "$PID"); do
		kill -STOP "$worker"
	done
	clients 5 8080
	until_waiting 5 8080
	findings
	assert_stalled 5 511
	for worker in $(pgrep -P "$PID"); do
		kill -CONT "$worker"
	done
}

redis_is_silent() {
	! in_ns timeout 0.5 redis-cli -p 6379 ping >/dev/null 2>&1
}

@test "a redis in a long command: 30 of 511" {
	redis_on 6379 --enable-debug-command yes
	until_true in_ns redis-cli -p 6379 ping >/dev/null 2>&1
	spawn "${NS[@]}" redis-cli -p 6379 debug sleep 120
	until_true redis_is_silent
	clients 30 6379
	until_waiting 30 6379
	findings
	assert_found 'warning accept-stalled'
	assert_figures accept-stalled 'accept_queue >= 30' 'accept_queue_limit == 511' 'accepted == 0'
}

@test "a gunicorn whose workers are all busy" {
	gunicorn_on 8000 2
	until_shown -l --port 8000
	spawn "${NS[@]}" curl -s http://127.0.0.1:8000/slow
	spawn "${NS[@]}" curl -s http://127.0.0.1:8000/slow
	until_shown 'sport = :8000 and state = established and inode > 0'
	clients 6 8000
	until_waiting 6 8000
	findings
	assert_found 'warning accept-stalled'
	assert_figures accept-stalled 'accept_queue >= 6' 'accepted == 0'
}

@test "a stopped postmaster" {
	postgres_init
	postgres_on 5432
	until_true in_ns "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p 5432 -U test
	local master=$PID
	kill -STOP "$master"
	clients 3 5432
	until_waiting 3 5432
	findings
	assert_found 'warning accept-stalled'
	assert_figures accept-stalled 'accept_queue == 3' 'accepted == 0'
	kill -CONT "$master"
}

@test "a server of one thread behind a client that says nothing" {
	http_server_on 8000
	until_shown -l --port 8000
	clients 1 8000
	until_shown 'sport = :8000 and state = established and inode > 0'
	clients 4 8000
	until_waiting 4 8000
	findings
	assert_stalled 4 50
}

@test "a client that gives up while nobody accepts does not look like an accept" {
	mk listen:backlog=50,queued=4
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3 --hold 300s -T 300s -O linger=0 "${F[listen.listener.local]}"
	local gone=$PID
	until_waiting 7 "$(port_of listen.listener)"
	kill -KILL "$gone"
	findings
	assert_found 'warning accept-stalled'
	assert_figures accept-stalled 'accepted == 0'
}

@test "a server that needs 0.4 s a request is slow, not stopped: a note with its rate" {
	slow_server_on 8000 0.4
	until_shown -l --port 8000
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3000 --rate 10/s --hold 300s -T 300s 127.0.0.1:8000
	until_waiting 5 8000
	local looks
	for looks in 1 2 3 4 5; do
		findings
		assert_found
	done
	slow_in_some_look 35
}

@test "a burst that drains is no finding" {
	slow_server_on 8000 0.05
	until_shown -l --port 8000
	clients 120 8000
	until_waiting 1 8000
	local looks
	for looks in 1 2 3; do
		findings
		assert_found
	done
}
