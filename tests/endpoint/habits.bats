#!/usr/bin/env bats
# What users of nc, ncat and socat write: done, or answered with the spelling that does it.

load ../lib/helpers
load ../lib/endpoint

@test "options of nc and ncat are answered with what does the same" {
	local words want
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086 # words
		sockctl $words
		assert_refused 2 "$want"
	done <<-'END'
		connect -q 1 localhost:1|-N sends a FIN when the input ends, -I 1s ends after 1 s
		connect -q 30 localhost 1|-I 30s
		connect -x proxy:3128 localhost:1|ncat --proxy
		connect -X connect localhost:1|ncat --proxy
		connect --proxy=proxy:1 localhost:1|ncat --proxy
		connect -i 1 localhost:1|--chunk-delay 1s .*--idle 1s
		connect -i 0.2 localhost:1|--chunk-delay 0.2s
		connect --idle-timeout 3 localhost:1|--idle DUR
		connect --tls localhost:1|openssl s_client
		listen --ssl :0|openssl s_client
		connect -k localhost:1|sockctl listen -k
		connect -d localhost:1|--recv-only
		connect -z localhost:1|sockctl probe
		connect --zero localhost:1|sockctl probe
		connect -l :1|sockctl listen ADDR
		connect --listen :1|sockctl listen ADDR
		connect -p 5 localhost:1|--source ADDR:PORT
		connect --source-port 5 localhost:1|--source ADDR:PORT
		listen --sh-exec date :0|--sh CMD
		listen --keep-open :0|--keep
		listen --max-conns 3 :0|--max N
		connect --no-shutdown localhost:1|--no-half-close
		listen -U /tmp/x|unix:/PATH
		connect -l0 -nz localhost:1|sockctl listen ADDR
		connect localhost 1|write 'localhost:1'
		connect -q localhost 1|write 'localhost:1'
		connect localhost:1 localhost:2 localhost:3|one address is expected, 3 were given
	END
}

@test "an interface with a number for a name is taken" {
	netns
	in_ns ip link add 7 type veth peer name v1
	in_ns ip addr add 10.98.0.1/24 dev 7
	in_ns ip link set 7 up
	in_ns ip link set v1 up
	sockctl connect -i 7 -T 100ms 10.98.0.2:80
	assert_status 4
	sockctl connect -i 8 -T 100ms 10.98.0.2:80
	assert_refused 2 "'8' is not an interface"
}

@test "addresses of socat are answered with ours" {
	local words want
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086 # words
		sockctl $words
		assert_refused 2 "is an address for socat.*$want"
	done <<-'END'
		connect TCP:db:5432|write 'db:5432'
		connect - TCP4:db:5432|write 'tcp4:db:5432'
		connect STDIO TCP6:[::1]:80|write 'tcp6:\[::1\]:80'
		connect UDP:ns:53,sp=5|write 'udp:ns:53'; '-O help'
		connect UNIX-CONNECT:/run/x|write 'unix:/run/x'
		connect ABSTRACT-CONNECT:x|write '@x'
		connect STDIO @x|the other end already
		connect OPENSSL:h:443|openssl s_client
		connect SOCKS5:p:h:80|ncat --proxy
		listen TCP-LISTEN:80,reuseaddr,fork|sockctl listen :80'; '-O help'
		listen UDP-RECVFROM:53|sockctl listen -u :53'
		listen TCP6-LISTEN:80|sockctl listen -6 :80'
		listen UNIX-LISTEN:/run/x|sockctl listen unix:/run/x'
		listen TCP-LISTEN:80 EXEC:date|sockctl listen :80'
		listen EXEC:date|--exec CMD
		listen SYSTEM:date|--sh LINE
		probe TCP-CONNECT:db:5432|write 'db:5432'
	END
	sockctl connect - db:80
	assert_refused 2 'the other end already'
}

@test "what is hinted at reaches what socat and nc reach" {
	local hint
	netns
	serve listen --keep --reply hello 127.0.0.1:0
	assert_equal "$(in_ns socat -t2 - "TCP:127.0.0.1:$PORT" <<<x)" hello
	sockctl connect "TCP:127.0.0.1:$PORT"
	hint=$(sed -n "s/.*write '\(.*\)'/\1/p" <<<"$stderr")
	sockctl connect --send x "$hint"
	assert_success
	assert_output hello
	# A host may be called as socat's words are.
	sockctl connect -T 100ms TCP:1
	assert_refused 5 "the name 'TCP' does not resolve"
}
