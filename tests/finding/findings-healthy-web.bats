#!/usr/bin/env bats
# Servers of several processes, and one behind another, under load: there is nothing to tell in
# twenty looks.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
}

@test "a healthy gunicorn, a connection a request" {
	gunicorn_on 8000 2
	until_shown -l --port 8000
	silent_under wrk -t1 -c8 -d2s http://127.0.0.1:8000/
}

@test "a healthy haproxy, and an nginx behind it" {
	nginx_on 8080
	until_shown -l --port 8080
	haproxy_on 8081 8080
	until_shown -l --port 8081
	silent_under wrk -t1 -c20 -d2s -H 'Connection: close' http://127.0.0.1:8081/
}

# As many workers wait for one client each as the pool has, and the others in its queue.
@test "a healthy php-fpm behind nginx, on a unix socket" {
	owned_dir run
	php_fpm_on "$DIR/run/php.sock" 2
	until_shown -lx "local_addr = '$DIR/run/php.sock'"
	NGINX_SERVER="location = /status { fastcgi_pass unix:$DIR/run/php.sock;
		fastcgi_param SCRIPT_NAME /status; fastcgi_param SCRIPT_FILENAME /status;
		fastcgi_param REQUEST_METHOD GET; }" nginx_on 8080
	until_shown -l --port 8080
	assert_contains "$(in_ns curl -s http://127.0.0.1:8080/status)" 'accepted conn'
	silent_under wrk -t1 -c8 -d2s http://127.0.0.1:8080/status
}
