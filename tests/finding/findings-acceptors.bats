#!/usr/bin/env bats
# Who is to accept: of several processes that hold a listener the workers, with what each of them
# does, and not the master that waits for children and signals.

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

until_waiting() { # N PORT
	until_shown -l --port "$2" "accept_queue >= $1 and longest_wait >= 1s"
}

has_children() { # N PID
	[[ $(pgrep -c -P "$2") == "$1" ]]
}

# The workers of the service that was spawned last.
await_workers() { # N
	until_true has_children "$1" "$PID"
	read -ra WORKERS <<<"$(children_of "$PID")"
}

@test "nginx, all of its workers are stopped: they are named, and the master is not" {
	NGINX_WORKERS=4 nginx_on 8080
	until_shown -l --port 8080
	local master=$PID
	await_workers 4
	stop "${WORKERS[@]}"
	clients 5 8080
	until_waiting 5 8080
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "${WORKERS[*]}"
	assert_figures accept-stalled 'acceptors == 4' 'stopped == 4'
	assert_regex "$(get accept-stalled .summary)" '^All 4 processes that accept here are stopped: nginx\['
	assert_contains "$(get accept-stalled .summary)" "nginx[$master] has the listener, too, but does not wait"
	assert_contains "$(get accept-stalled .advice)" "kill -CONT ${WORKERS[*]}"
	# The advice helps.
	local pids=${WORKERS[*]}
	eval "$(get accept-stalled '.commands[0]')"
	inspect --until-gone --wait "${READY_WITHIN}s" unaccepted
	assert_status 0
	assert_equal "${WORKERS[*]}" "$pids"
}

@test "nginx, two of four workers are stopped: the others accept, and nothing is told" {
	NGINX_WORKERS=4 nginx_on 8080
	until_shown -l --port 8080
	await_workers 4
	stop "${WORKERS[0]}" "${WORKERS[2]}"
	clients 20 8080
	until_shown 'sport = :8080 and state = established and inode > 0'
	inspect --until-gone --wait "${READY_WITHIN}s" unaccepted
	assert_status 0
	findings
	assert_found
}

@test "each worker of nginx with a listener of its own is told of its own alone" {
	nginx_on 8080 reuseport
	until_shown -l --port 8080
	await_workers 2
	stop "${WORKERS[1]}"
	clients 20 8080
	until_shown 'unaccepted and wait >= 1s'
	findings
	assert_found 'warning shadowed-listener'
	assert_equal "$(culprits shadowed-listener)" "${WORKERS[1]}"
	assert_regex "$(get shadowed-listener .summary)" "^nginx\[${WORKERS[1]}\] is stopped\. "
	assert_contains "$(get shadowed-listener .advice)" "kill -CONT ${WORKERS[1]}"
}

@test "gunicorn, one worker is busy and one is stopped" {
	gunicorn_on 8000 2
	until_shown -l --port 8000
	local master=$PID
	await_workers 2
	spawn "${NS[@]}" curl -s http://127.0.0.1:8000/slow
	until_shown 'sport = :8000 and state = established and inode > 0'
	inspect --json -o process,local 'sport = :8000 and state = established and inode > 0'
	local busy stopped
	busy=$(jq -r 'select(.type == "socket") | .processes[0].pid' <<<"$output")
	stopped=${WORKERS[0]}
	[[ $busy != "${WORKERS[0]}" ]] || stopped=${WORKERS[1]}
	stop "$stopped"
	clients 6 8000
	until_waiting 6 8000
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "${WORKERS[*]}"
	assert_figures accept-stalled 'acceptors == 2' 'stopped == 1'
	assert_regex "$(get accept-stalled .summary)" "gunicorn\[$stopped\] is stopped; gunicorn\[$busy\] sleeps in (clock_nanosleep|select|pselect6)\(\)\."
	assert_contains "$(get accept-stalled .summary)" "gunicorn[$master] has the listener, too"
	assert_contains "$(get accept-stalled .advice)" "kill -CONT $stopped"
}

@test "gunicorn, all workers are busy: what they sleep in is named" {
	gunicorn_on 8000 2
	until_shown -l --port 8000
	await_workers 2
	spawn "${NS[@]}" curl -s http://127.0.0.1:8000/slow
	spawn "${NS[@]}" curl -s http://127.0.0.1:8000/slow
	inspect --count --wait "${READY_WITHIN}s" 'sport = :8000 and state = established and inode > 0'
	clients 6 8000
	until_waiting 6 8000
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "${WORKERS[*]}"
	assert_figures accept-stalled 'stopped == 0'
	assert_contains "$(get accept-stalled .advice)" "gunicorn[${WORKERS[0]}]"
}

@test "php-fpm: the workers accept, and are all stopped" {
	php_fpm_on 127.0.0.1:9000 2
	until_shown -l --port 9000
	local master=$PID
	await_workers 2
	stop "${WORKERS[@]}"
	clients 3 9000
	until_waiting 3 9000
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "${WORKERS[*]}"
	assert_contains "$(get accept-stalled .summary)" "php-fpm8.2[$master] has the listener, too"
}

@test "a stopped postmaster: it accepts itself" {
	postgres_init
	postgres_on 5432
	until_true in_ns "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p 5432 -U test
	local master=$PID
	stop "$master"
	clients 3 5432
	until_waiting 3 5432
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "$master"
	assert_regex "$(get accept-stalled .summary)" "^postgres\[$master\] is stopped\. 3 connections wait"
}

# A server of one thread that accepts by itself, and has left its listener to a child.
leaving_server_on() { # PORT CODE
	spawn "${NS[@]}" python3 -c '
import os, socket, subprocess, sys, time
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(50)
s.set_inheritable(True)
kept = s.accept()
exec(sys.argv[2])
' "$@"
}

@test "a program that waits for a child is not cleared because the child has its listener" {
	leaving_server_on 4711 'subprocess.run(["sleep", "300"], close_fds=False)'
	until_shown -l --port 4711
	local server=$PID
	clients 5 4711
	until_waiting 4 4711
	findings
	assert_found 'warning accept-stalled'
	assert_regex "$(culprits accept-stalled)" "(^| )$server( |$)"
	assert_contains "$(get accept-stalled .summary)" 'cannot be told'
}

@test "a child of the same program that was left the listener does not clear who has a client" {
	leaving_server_on 4711 '
if os.fork() == 0:
    kept[0].close()
    time.sleep(300)
os.wait()'
	until_shown -l --port 4711
	local server=$PID
	clients 5 4711
	until_waiting 4 4711
	findings
	assert_found 'warning accept-stalled'
	assert_regex "$(culprits accept-stalled)" "(^| )$server( |$)"
}

# A program of this name, with these arguments, that listens and does not accept.
docker_proxy_on() { # PORT
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
open("/proc/self/comm", "w").write("docker-proxy")
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[sys.argv.index("-host-port") + 1])))
s.listen(3)
time.sleep(300)
' -proto tcp -host-ip 127.0.0.1 -host-port "$1" -container-ip 172.17.0.9 -container-port 8443
}

@test "docker-proxy: the container behind it is named, and how to end that" {
	docker_proxy_on 8080
	local proxy=$PID
	until_shown -l --port 8080
	clients 4 8080
	until_shown -l accept_queue_full
	findings
	assert_found 'critical accept-queue-full'
	assert_equal "$(culprits accept-queue-full)" "$proxy"
	assert_contains "$(get accept-queue-full .advice)" 'container at 172.17.0.9:8443'
	assert_contains "$(get accept-queue-full .advice)" 'docker ps --filter publish=8080'
	assert_contains "$(get accept-queue-full .advice)" 'docker stop'
}
