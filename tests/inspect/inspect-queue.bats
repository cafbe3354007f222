#!/usr/bin/env bats
# The accept queue: fill, limit, FULL, drops, who waits and who gave up.

load ../lib/helpers
load ../lib/inspect

@test "fill and limit; FULL exactly when fill is above the limit" {
	netns
	mk listen:label=empty,backlog=2 listen:label=some,backlog=2,queued=1 \
		listen:label=limit,backlog=2,queued=2 listen:label=above,backlog=2,queued=3 \
		listen:label=zero,backlog=0 listen:label=zerofull,backlog=0,queued=1
	inspect_json -l
	assert_row empty.listener accept_queue=0 accept_queue_limit=2 accept_queue_full=false
	assert_row some.listener accept_queue=1 accept_queue_limit=2 accept_queue_full=false
	assert_row limit.listener accept_queue=2 accept_queue_limit=2 accept_queue_full=false
	assert_row above.listener accept_queue=3 accept_queue_limit=2 accept_queue_full=true
	assert_row zero.listener accept_queue=0 accept_queue_limit=0 accept_queue_full=false
	assert_row zerofull.listener accept_queue=1 accept_queue_limit=0 accept_queue_full=true
}

@test "the table says fill/limit and FULL in words" {
	netns
	mk listen:label=limit,port=80,backlog=2,queued=2 listen:label=above,port=81,backlog=2,queued=3
	inspect_table -l
	assert_clean
	assert_line --regexp '^LISTEN +127\.0\.0\.1:80 .* 2/2( |$)'
	assert_line --regexp '^LISTEN +127\.0\.0\.1:81 .* 3/2:FULL'
	refute_line --regexp ' 2/2.FULL'
}

@test "--ascii draws the bar without a byte above 127" {
	netns
	mk listen:port=81,backlog=2,queued=3
	on_terminal 80 inspect -l --ascii --color never
	assert_line --partial '##########  3/2 FULL'
	run env LC_ALL=C grep -nP '[\x80-\xff]' <<<"$output"
	assert_output ''
}

@test "drops are the listener's own" {
	netns
	mk listen:label=full,backlog=1,queued=2,syn_sent=3 listen:label=calm,backlog=1,queued=2
	inspect_json -l -o +drops
	assert_value full.listener drops '. >= 3'
	assert_row calm.listener drops=0
}

@test "waiting, longest wait, half-open and gave up, with --port" {
	local port
	netns
	mk listen:port=80,backlog=8,queued=2,fin=1,rst=2 listen:label=df,port=81,defer=60,syn_recv=3
	inspect_json --port 80,81 -o +syn_queue,waiting,gave_up,longest_wait
	assert_row listen.listener accept_queue=5 waiting=3 gave_up=2 syn_queue=0
	assert_value listen.listener longest_wait_ms 'type == "number" and . >= 0 and . < 60000'
	assert_row df.listener accept_queue=0 waiting=0 gave_up=0 syn_queue=3
}

@test "--port alone tells them in JSON too" {
	netns
	mk listen:port=80,backlog=8,queued=2,rst=1
	inspect_json --port 80
	assert_row listen.listener waiting=2 gave_up=1 syn_queue=0
}

@test "a bare -l tells them where the queue is not empty" {
	netns
	mk listen:port=80,backlog=8,queued=2,rst=1
	inspect_json -l
	assert_row listen.listener waiting=2 gave_up=1
	assert_equal "$(count_rows)" 1
}

@test "un-accepted connections are marked, with their wait and their listener" {
	local port
	netns
	mk listen:port=80,queued=1,fin=1,data=7 established
	inspect_json -o +wait,unaccepted,listener
	run jq -c 'select(.type == "socket" and .unaccepted == true) |
		[.state, .inode, .local_port, .recv_queue_bytes, (.wait_ms | type)]' <<<"$output"
	assert_line '["ESTABLISHED",0,80,7,"number"]'
	assert_line '["CLOSE_WAIT",0,80,7,"number"]'
	assert_equal "${#lines[@]}" 2
}

@test "the table says 'in queue' and (not accepted)" {
	netns
	mk listen:port=80,queued=1
	inspect_table -p --port 80
	assert_clean
	assert_line --regexp '^ESTABLISHED +127\.0\.0\.1:80 .*in:queue .*\(not:accepted\)'
}

@test "once accepted, a connection waits no more" {
	netns
	mk listen:port=80,queued=2
	mk_more accept:of=listen.listener
	inspect_json --port 80
	assert_row listen.listener accept_queue=1 waiting=1 gave_up=0
	assert_facts accept.accepted0
}

@test "IPv4 clients of a dual-stack listener count for it" {
	netns
	mk listen:family=dual,by4,port=80,queued=2 listen:family=6,addr=::1,port=81,label=six,queued=1
	inspect_json --port 80,81
	assert_row listen.listener waiting=2 gave_up=0
	assert_row six.listener waiting=1 gave_up=0
}

@test "a specific listener takes its clients from a wildcard one on the same port" {
	netns
	mk listen:family=any,port=80,reuseaddr,label=any bound:port=81 # keep 80 to two listeners
	mk_more listen:addr=127.0.0.2,port=82,queued=1,label=special
	mk_more listen:family=any,port=83,label=wild,queued=2
	inspect_json --port 80-83
	assert_row any.listener waiting=0
	assert_row special.listener waiting=1
	assert_row wild.listener waiting=2
}

@test "in a SO_REUSEPORT group nobody's queue is attributed" {
	netns
	mk group:reuseport,n=2,clients=5,port=80
	inspect_json --port 80
	assert_row group.listener0 waiting=null gave_up=null longest_wait_ms=null
	assert_row group.listener1 waiting=null gave_up=null
	assert_equal "$(($(value_of group.listener0 accept_queue) + $(value_of group.listener1 accept_queue)))" 5
}

@test "a listener that takes no TCP_INFO of others stays quiet: waiting is absent when not asked" {
	netns
	mk listen:port=80
	inspect_json
	assert_json_in "$(rows "${F[listen.listener.cookie]}")" 'length == 1 and (.[0] | has("waiting") | not)'
}

@test "-l with -x are the sockets of ss -xl: those of datagrams, too" {
	netns
	mk unix_listen:abstract=l unix_bound:abstract=d,type=dgram socketpair udp listen
	assert_matches -xl -- unix_listen.listener unix_bound.bound
	assert_matches -tuxl -- unix_listen.listener unix_bound.bound udp.server listen.listener
	assert_matches -tl -- listen.listener
	inspect_table -xl -H -o state,local src @d
	assert_clean
	assert_output 'UNCONN  @d'
	run in_ns ss -xlH
	assert_equal "${#lines[@]}" 2
}

@test "the queue of a unix listener, with its waiting clients" {
	netns
	mk unix_listen:abstract=l,backlog=2,queued=3 unix_listen:abstract=m,backlog=2,queued=2,label=some
	inspect_json -xl -o +waiting_clients
	assert_row unix_listen.listener accept_queue=3 accept_queue_limit=2 accept_queue_full=true waiting_clients=3
	assert_row some.listener accept_queue=2 accept_queue_full=false waiting_clients=2
}
