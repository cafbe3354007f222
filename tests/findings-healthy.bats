#!/usr/bin/env bats
# Servers that do what they should, under load: there is nothing to tell. Each runs in the
# namespace of the test, bounded by a number of requests.

load lib/helpers
load lib/findings

LOOKS=4 # while the load runs, at least

setup() {
	netns
	DIR=$BATS_TEST_TMPDIR
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

# Looks again and again while the load of this process id runs, and once when it is over.
silent_while() { # PID
	local looks=0
	while kill -0 "$1" 2>/dev/null || ((looks < LOOKS)); do
		findings -tu
		assert_found || return 1
		looks=$((looks + 1))
	done
	wait "$1" || {
		echo "the load did not run well" >&2
		return 1
	}
	findings -tu
	assert_found
}

# Starts a server as the user of its own, or as the one that runs the tests.
as_service() { # CMD...
	if is_root; then
		spawn "${NS[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		spawn "${NS[@]}" "$@"
	fi
}

owned_dir() { # NAME
	mkdir "$DIR/$1"
	if is_root; then chown 65534:65534 "$DIR/$1"; fi
}

nginx_on() { # PORT [LISTEN_OPTIONS]
	owned_dir nginx
	cat >"$DIR/nginx.conf" <<-END
		daemon off;
		worker_processes 2;
		pid $DIR/nginx/pid;
		error_log $DIR/nginx/error.log;
		events { worker_connections 512; }
		http {
			access_log off;
			client_body_temp_path $DIR/nginx/body;
			proxy_temp_path $DIR/nginx/proxy;
			fastcgi_temp_path $DIR/nginx/fastcgi;
			uwsgi_temp_path $DIR/nginx/uwsgi;
			scgi_temp_path $DIR/nginx/scgi;
			server {
				listen 127.0.0.1:$1 ${2-};
				location / { return 200 "hello\n"; }
			}
		}
	END
	as_service nginx -c "$DIR/nginx.conf" -e "$DIR/nginx/error.log"
	until_shown -l --port "$1"
}

@test "a healthy nginx, connections that stay" {
	nginx_on 8080
	in_ns wrk -t1 -c40 -d3s http://127.0.0.1:8080/ >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy nginx, a connection a request" {
	nginx_on 8080
	in_ns wrk -t1 -c20 -d3s -H 'Connection: close' http://127.0.0.1:8080/ >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy nginx whose workers share the port by SO_REUSEPORT" {
	nginx_on 8080 reuseport
	in_ns wrk -t1 -c20 -d3s -H 'Connection: close' http://127.0.0.1:8080/ >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy redis" {
	owned_dir redis
	as_service redis-server --port 6379 --bind 127.0.0.1 --save '' --dir "$DIR/redis"
	until_shown -l --port 6379
	in_ns redis-benchmark -q -n 60000 -c 50 -P 4 -t set,get,lpush,lrange_100 >/dev/null 3>&- &
	silent_while $!
}

@test "a healthy postgresql" {
	local bin
	bin=$(compgen -G '/usr/lib/postgresql/*/bin' | tail -n 1)
	owned_dir data
	as_user_in "$bin/initdb" -D "$DIR/data" -U test -A trust --no-sync >/dev/null
	as_service "$bin/postgres" -D "$DIR/data" -p 5432 -c listen_addresses=127.0.0.1 \
		-c unix_socket_directories= -c fsync=off
	until_shown -l --port 5432
	local end=$((SECONDS + READY_WITHIN))
	until in_ns "$bin/pg_isready" -q -h 127.0.0.1 -p 5432 -U test; do
		((SECONDS < end)) || fail 'postgresql does not answer'
	done
	in_ns pgbench -q -i -h 127.0.0.1 -U test postgres >/dev/null 2>&1
	in_ns pgbench -h 127.0.0.1 -U test -c 10 -T 3 postgres >/dev/null 2>&1 3>&- &
	silent_while $!
	in_ns pgbench -h 127.0.0.1 -U test -C -c 4 -T 2 postgres >/dev/null 2>&1 3>&- &
	silent_while $!
}

as_user_in() { # CMD...
	if is_root; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

@test "a healthy echo server of this program, many connections at once" {
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only 127.0.0.1:4711
	until_shown -l
	in_ns "$SOCKCTL" connect --connections 200 --hold 2s 127.0.0.1:4711 3>&- &
	silent_while $!
}
