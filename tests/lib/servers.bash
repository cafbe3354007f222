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
				location /missing { return 404; }
				location /behind { proxy_pass http://127.0.0.1:1; }
			}
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
