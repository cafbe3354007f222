#!/usr/bin/env bats
# Connections to an address of this host that NAT leads to another port or host, and those
# that arrive as they were sent.

load ../lib/helpers
load ../lib/endpoint
load ../lib/findings

setup() {
	skip_unless_root 'reads the other network namespaces'
	netns
}

rewrite() { # RULE...
	in_ns nft -f - <<-END
		table inet rewriting {
			chain out {
				type nat hook output priority -100
				$(printf '%s\n' "$@")
			}
		}
	END
}

# Answers each line; of no family of its own.
echoes() { # ADDRESS
	serve listen -k --exec cat "$1"
}

# Clients that sent a line and got it back, or do so for ever; CLIENT is their process.
clients() { # ADDRESS PORT NUMBER [ever]
	spawn "${NS[@]}" python3 -c '
import socket, sys
address, port, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
cs = []
for i in range(number):
    c = socket.socket(family)
    c.connect((address, port))
    c.sendall(b"hello\n")
    assert c.recv(100) == b"hello\n"
    cs.append(c)
print("ready", flush=True)
while sys.argv[4:]:
    for c in cs:
        c.sendall(b"hello\n")
        c.recv(100)
sys.stdin.read()
' "$@"
	CLIENT=$PID
	await_line '^ready$'
}

enter() { # WORD...
	NS=("$@")
}

# A server on 10.9.1.2:80 in a namespace of its own, INNER, that is reached from here.
container() {
	local outer=("${NS[@]}") outer_pid=$NS_PID
	netns
	INNER=("${NS[@]}")
	in_ns ip link add name veth0 type veth peer name veth1 netns "$outer_pid"
	in_ns ip address add 10.9.1.2/24 dev veth0
	in_ns ip link set veth0 up
	echoes 10.9.1.2:80
	enter "${outer[@]}"
	in_ns ip address add 10.9.1.1/24 dev veth1
	in_ns ip link set veth1 up
}

# Where a client is refused, as nobody listens there.
refused() { # ADDRESS PORT
	run in_ns python3 -c '
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])))' "$1" "$2"
	assert_contains "$output" 'Connection refused'
}

@test "a redirect of iptables-legacy: the command that shows it is named beside nft" {
	echoes 127.0.0.1:5080
	in_ns iptables-legacy -t nat -A OUTPUT -p tcp -d 127.0.0.1 --dport 5082 -j REDIRECT --to-ports 5080 ||
		skip "this kernel has no ip_tables"
	clients 127.0.0.1 5082 1
	findings --findings=all
	assert_found 'note rewritten-connection'
	assert_equal "$(get rewritten-connection '.commands | join("; ")')" \
		'nft list ruleset; iptables-legacy -t nat -S; iptables -t nat -S; conntrack -L'
	run in_ns iptables-legacy -t nat -S
	assert_contains "$output" '--dport 5082 -j REDIRECT'
}

@test "a port of this host that is redirected to another: a note, and no rule is named" {
	echoes 127.0.0.1:5080
	refused 127.0.0.1 5081
	rewrite 'ip daddr 127.0.0.1 tcp dport 5081 redirect to :5080'
	clients 127.0.0.1 5081 1
	findings
	assert_found
	findings --findings=all
	assert_found 'note rewritten-connection'
	assert_equal "$(culprits rewritten-connection)" "$CLIENT"
	assert_figures rewritten-connection 'sockets == 1' 'bytes_acked == 6'
	assert_contains "$(get rewritten-connection .where)" '127.0.0.1:5081'
	assert_regex "$(get rewritten-connection .summary)" 'rewritten on the way .NAT., or its other end is in another namespace'
	refute_contains "$(get rewritten-connection .summary)" '5080'
	assert_equal "$(get rewritten-connection '.commands | join("; ")')" \
		'nft list ruleset; iptables -t nat -S; conntrack -L'
}

@test "several clients of one process are one finding; what is not rewritten is none" {
	in_ns ip address add 10.9.0.1/24 dev lo
	echoes 10.9.0.1:5082
	rewrite 'ip daddr 10.9.0.1 tcp dport 5083 dnat ip to 10.9.0.1:5082'
	clients 10.9.0.1 5082 3
	findings --findings=all
	assert_found
	clients 10.9.0.1 5083 3
	findings --findings=all
	assert_found 'note rewritten-connection'
	assert_equal "$(culprits rewritten-connection)" "$CLIENT"
	assert_figures rewritten-connection 'sockets == 3' 'bytes_acked == 18'
	assert_regex "$(get rewritten-connection .where)" '^3 connections to 10\.9\.0\.1:5083, '
	findings --findings=all 'dport = :5082 or sport = :5082'
	assert_found
	findings --findings=all 'dport = :5083'
	assert_found 'note rewritten-connection'
}

@test "that the other end is gone is told where nothing goes through" {
	echoes 127.0.0.1:5092
	rewrite 'ip daddr 127.0.0.1 tcp dport { 5093, 5094 } redirect to :5092'
	clients 127.0.0.1 5093 1
	findings --findings=all
	assert_found 'note rewritten-connection'
	assert_contains "$(get rewritten-connection .summary)" 'the other end may also be gone'
	clients 127.0.0.1 5094 1 ever
	findings --findings=all 'dport = :5094'
	assert_found 'note rewritten-connection'
	refute_contains "$(get rewritten-connection .summary)" 'may also be gone'
}

@test "over IPv6, with the words for it" {
	echoes '[::1]:5084'
	rewrite 'ip6 daddr ::1 tcp dport 5085 redirect to :5084'
	clients ::1 5085 1
	findings --findings=all
	assert_found 'note rewritten-connection'
	assert_equal "$(get rewritten-connection '.commands[1]')" 'ip6tables -t nat -S'
}

@test "an IPv6 server that IPv4 clients reach is their other end" {
	echoes '[::]:5086'
	clients 127.0.0.1 5086 1
	clients ::1 5086 1
	findings --findings=all
	assert_found 'note exposed-listener'
}

@test "a published port: the server is in another namespace, with another address" {
	container
	clients 10.9.1.2 80 1
	findings --findings=all
	assert_found
	rewrite 'ip daddr 10.9.1.1 tcp dport 8080 dnat ip to 10.9.1.2:80'
	clients 10.9.1.1 8080 2
	findings --findings=all
	assert_found 'note rewritten-connection'
	assert_equal "$(culprits rewritten-connection)" "$CLIENT"
	enter "${INNER[@]}"
	findings --findings=all
	assert_found
}

@test "a connection without a word sent, and one that has ended, are nothing to tell" {
	echoes 127.0.0.1:5088
	rewrite 'ip daddr 127.0.0.1 tcp dport 5089 redirect to :5088'
	spawn "${NS[@]}" python3 -c '
import socket, sys
c = socket.create_connection(("127.0.0.1", 5089))
print("ready", flush=True)
sys.stdin.read()'
	await_line '^ready$'
	findings --findings=all
	assert_found
	clients 127.0.0.1 5089 1
	findings --findings=all
	assert_found 'note rewritten-connection'
	kill "$CLIENT"
	end_of "$CLIENT"
	findings --findings=all
	assert_found
}

@test "whoever may not enter the other namespaces is not told it" {
	echoes 127.0.0.1:5090
	rewrite 'ip daddr 127.0.0.1 tcp dport 5091 redirect to :5090'
	clients 127.0.0.1 5091 1
	findings_as_user --findings=all
	refute_contains "$FOUND" rewritten
}
