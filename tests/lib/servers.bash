# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the tests, set by helpers.bash
# Real servers in the namespace of the test: started, not waited for. Their files are below
# DIR, which servers_dir makes a directory that every user may enter.

servers_dir() {
	DIR=$BATS_TEST_TMPDIR
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

# Starts a server as a user of its own. In the namespace of an ordinary user he is root, and
# postgresql will not serve root: one more user namespace gives him another number.
as_service() { # CMD...
	if is_root; then
		spawn "${NS[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		spawn "${NS[@]}" unshare --user --map-user=65534 --map-group=65534 "$@"
	fi
}

owned_dir() { # NAME
	mkdir "${DIR:?servers_dir comes first}/$1"
	if is_root; then chown 65534:65534 "$DIR/$1"; fi
}

nginx_on() { # PORT [LISTEN_OPTIONS]
	owned_dir nginx
	cat >"$DIR/nginx.conf" <<-END
		daemon off;
		worker_processes ${NGINX_WORKERS:-2};
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
				location /missing { return 404; }
				location /behind { proxy_pass http://127.0.0.1:1; }
				${NGINX_SERVER-}
			}
			${NGINX_SERVERS-}
		}
	END
	as_service nginx -c "$DIR/nginx.conf" -e "$DIR/nginx/error.log"
}

as_user_in() { # CMD...
	if is_root; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

redis_on() { # PORT [OPTION]...
	local port=$1
	shift
	owned_dir redis
	as_service redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$DIR/redis" "$@"
}

postgres_bin() {
	compgen -G '/usr/lib/postgresql/*/bin' | tail -n 1
}

postgres_init() {
	owned_dir data
	as_user_in "$(postgres_bin)/initdb" -D "$DIR/data" -U test -A trust --no-sync >/dev/null
}

postgres_on() { # PORT [OPTION]...
	local port=$1
	shift
	as_service "$(postgres_bin)/postgres" -D "$DIR/data" -p "$port" -c listen_addresses=127.0.0.1 \
		-c unix_socket_directories= -c fsync=off "$@"
}

# Takes one connection after another, each so many seconds after the last, and keeps it: what it
# closed would be a leak of clients that stay.
slow_server_on() { # PORT SECONDS
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(500)
kept = []
while True:
    kept.append(s.accept())
    time.sleep(float(sys.argv[2]))
' "$@"
}

# The server of the standard library: one connection at a time, each read to its end.
http_server_on() { # PORT
	spawn "${NS[@]}" python3 -c '
import http.server, sys
http.server.HTTPServer.request_queue_size = 50
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
' "$1"
}

# Synchronous workers, of which each request to /slow keeps one for a minute.
gunicorn_on() { # PORT|PATH [WORKERS]
	local address=127.0.0.1:$1
	[[ $1 != /* ]] || address=unix:$1
	owned_dir gunicorn
	cat >"$DIR/gunicorn/app.py" <<-END
		import time
		def app(environ, start_response):
		    if environ["PATH_INFO"] == "/slow":
		        time.sleep(60)
		    start_response("200 OK", [("Content-Length", "6")])
		    return [b"hello\\n"]
	END
	as_service gunicorn --chdir "$DIR/gunicorn" --worker-tmp-dir "$DIR/gunicorn" --workers "${2-2}" \
		--timeout 300 --bind "$address" app:app
}

# In front of another server.
haproxy_on() { # PORT BACKEND_PORT
	owned_dir haproxy
	cat >"$DIR/haproxy/conf" <<-END
		global
		    maxconn 500
		defaults
		    mode http
		    timeout connect 5s
		    timeout client 30s
		    timeout server 30s
		frontend in
		    bind 127.0.0.1:$1
		    default_backend behind
		backend behind
		    server one 127.0.0.1:$2
	END
	as_service haproxy -db -q -f "$DIR/haproxy/conf"
}

# A static pool of so many workers, which answer the status page.
php_fpm_on() { # ADDRESS [WORKERS]
	owned_dir fpm
	cat >"$DIR/fpm/fpm.conf" <<-END
		[global]
		error_log = $DIR/fpm/log
		daemonize = no
		[www]
		listen = $1
		pm = static
		pm.max_children = ${2-2}
		pm.status_path = /status
		listen.mode = 0666
	END
	as_service "$(compgen -G '/usr/sbin/php-fpm*' | tail -n 1)" -y "$DIR/fpm/fpm.conf" -F
}

# The processes that this one started.
children_of() { # PID
	pgrep -P "$1" | sort -n | paste -sd ' '
}
