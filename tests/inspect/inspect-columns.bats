#!/usr/bin/env bats
# Every column can be asked for; a value that is not known is absent, never 0.

load ../lib/helpers
load ../lib/inspect

all_columns() {
	"$SOCKCTL" porcelain fields | cut -f1
}

@test "every column alone, for every kind of socket, in every format" {
	local column
	netns
	mk listen:port=80,queued=1 established:family=6 time_wait close_wait bound udp \
		unix_pair:abstract=a unix_bound:abstract=b,type=dgram
	for column in $(all_columns); do
		inspect -tux --state all --format raw -o "$column"
		assert_clean
		refute_contains "$output" $'\t'
	done
}

@test "all columns at once: raw has as many fields in every line as in the first" {
	netns
	mk listen:port=80,queued=1 established time_wait udp unix_pair:abstract=a
	inspect -tux --format raw -o "$(all_columns | paste -sd,)"
	assert_clean
	run awk -F '\t' 'NR == 1 { n = NF } NF != n' <<<"$output"
	assert_output ''
}

@test "-o gives exactly these columns in this order, +COL adds" {
	netns
	mk listen:port=80
	inspect --format raw -o local_port,state,inode
	assert_line --index 1 "80	LISTEN	${F[listen.listener.inode]}"
	inspect --format raw
	head=$(head -n 1 <<<"$output")
	inspect --format raw -o +inode,cookie
	assert_line --index 0 --regexp "^$head	[^	]+	[^	]+\$"
	assert_line --index 1 --regexp "	${F[listen.listener.inode]}	${F[listen.listener.cookie]}\$"
}

@test "the names of raw are the keys of JSON, but of lists" {
	local fields
	netns
	fields=$("$SOCKCTL" porcelain fields | awk -F '\t' '
		$1 !~ /^(peer_)?(process|pid)$|^fd$|^md5_(peer|key_len)$|^bpf_/ && $4 != "" {
			print $1 "\t" $4
		}')
	inspect --format raw --allow-empty -o "$(cut -f 1 <<<"$fields" | paste -sd,)"
	assert_clean
	assert_output "$(cut -f 2 <<<"$fields" | paste -s)"
	assert_output --partial '	accept_queue_fill_percent	'
	inspect --format raw --allow-empty -o process,pid
	assert_output 'process	pid'
}

@test "the default columns" {
	netns
	mk listen:port=80
	inspect_table
	assert_line --index 0 --regexp '^STATE +LOCAL +PEER +QUEUE +RECV-Q +SEND-Q$'
	inspect_table -p
	assert_line --index 0 --regexp '^STATE +LOCAL +PEER +QUEUE +RECV-Q +SEND-Q +PROCESS$'
}

@test "a column that does not exist is answered with the nearest" {
	netns
	inspect -o inodee
	assert_refused 2 "inodee.*inode"
	inspect --sort rttt
	assert_refused 2 "rttt.*rtt"
	inspect --group statee
	assert_refused 2 "statee.*state"
}

@test "names of columns take - for _ and any case" {
	netns
	mk listen:port=80
	inspect --format raw -H -o LOCAL-PORT,Accept_Queue-limit
	assert_output '80	16'
}

@test "keepalive is a timer" {
	netns
	mk established:keepalive=100 established:label=plain
	inspect_json -o +timer,timer_expires
	assert_row established.client0 timer=keepalive
	assert_row plain.client0 timer=none timer_expires_ms=null
	assert_value established.client0 timer_expires_ms '. > 50000 and . <= 100000'
}

@test "congestion control, type of service, traffic class and device" {
	netns
	mk established:cc=reno,tos=16 established:family=6,tclass=32,label=six listen:dev=lo
	inspect_json -o +congestion,tos,tclass,device,ifindex
	assert_row established.client0 congestion=reno
	assert_value established.client0 tos '. == 16 or . == "0x10"'
	assert_value six.client0 tclass '. == 32 or . == "0x20"'
	assert_row established.client0 tclass=null
	assert_row listen.listener device=lo ifindex=1
	assert_row established.client0 device=null ifindex=null
}

@test "the mark is told to root and absent for others" {
	skip_unless_root "sets a mark"
	netns
	mk established:mark=7 listen
	inspect_json -o +mark
	assert_value established.client0 mark '. == 7 or . == "0x7"'
	assert_value listen.listener mark '. == 0 or . == "0x0"'
	sockctl_as_user inspect --json -o +mark
	assert_success
	assert_row established.client0 mark=null
	# Asked for by a filter, "not told" is no answer, unless another part decides.
	for expression in 'fwmark = 7' 'mark > 1'; do
		sockctl_as_user inspect --json "$expression"
		assert_refused 3 'mark: the kernel shows it to root only'
		assert_line --partial '"type":"note","id":"column-missing"'
		assert_line --regexp '"type":"end","rows":0,"complete":false}$'
	done
	sockctl_as_user inspect --json 'mark = 7 or state = listen'
	assert_success
	assert_matches fwmark = 7 -- established.client0 established.server0
}

@test "tcp_info: what ss says of bytes, segments and MSS" {
	local ss
	netns
	mk established:recv=4321
	inspect_json -o +bytes_acked,bytes_received,segs_out,segs_in,snd_mss,cwnd,rtt,rto,bytes_sent
	ss=$(in_ns ss -tnHi "dst 127.0.0.1 dport = :$(port_of established.client0 peer)" | tr '\n' ' ')
	assert_row established.client0 bytes_acked=4322 bytes_sent=4321 \
		segs_out="$(sed -E 's/.* segs_out:([0-9]+).*/\1/' <<<"$ss")" \
		segs_in="$(sed -E 's/.* segs_in:([0-9]+).*/\1/' <<<"$ss")" \
		snd_mss_bytes="$(sed -E 's/.* mss:([0-9]+).*/\1/' <<<"$ss")" \
		cwnd="$(sed -E 's/.* cwnd:([0-9]+).*/\1/' <<<"$ss")" \
		rto_us="$(sed -E 's/.* rto:([0-9]+).*/\1/' <<<"$ss")000"
	rtt=$(sed -E 's/.* rtt:([0-9]+)(\.([0-9]+))?.*/\1 \3/' <<<"$ss")
	assert_equal "$(value_of established.client0 rtt_us)" \
		"$(awk '{ printf "%d", $1 * 1000 + ($2 == "" ? 0 : $2 * 10 ^ (3 - length($2))) }' <<<"$rtt")"
	assert_row established.server0 bytes_received=4321
}

@test "memory: what ss says of it" {
	netns
	mk established:recv=4321
	inspect_json -o +rmem_alloc,rcvbuf,wmem_alloc,sndbuf,fwd_alloc,wmem_queued,optmem,backlog_mem,drops
	mem=$(in_ns ss -tnHm "sport = :$(port_of established.server0)" | grep -o 'skmem:([^)]*)')
	assert_row established.server0 rmem_alloc_bytes="$(sed -E 's/.*\(r([0-9]+),.*/\1/' <<<"$mem")" \
		rcvbuf_bytes="$(sed -E 's/.*,rb([0-9]+),.*/\1/' <<<"$mem")" \
		sndbuf_bytes="$(sed -E 's/.*,tb([0-9]+),.*/\1/' <<<"$mem")" \
		fwd_alloc_bytes="$(sed -E 's/.*,f([0-9]+),.*/\1/' <<<"$mem")" \
		drops="$(sed -E 's/.*,d([0-9]+)\)/\1/' <<<"$mem")"
}

@test "a listener has no round-trip time; a sample that is not there is absent" {
	netns
	mk listen established
	inspect_json -o +rtt,min_rtt,pacing_rate,max_pacing_rate
	assert_row listen.listener rtt_us=null
	assert_value established.client0 rtt_us '. > 0'
	[[ $(value_of established.client0 max_pacing_rate_bytes_per_second) == null ]] ||
		assert_int "$(rows | grep -c max_pacing_rate) > 0"
}

@test "the time column says which time it is" {
	netns
	mk listen:port=80,queued=1 established close_wait time_wait
	inspect_table -o state,time
	assert_clean
	assert_line --regexp '^ESTABLISHED +waits:[0-9.]+s$'
	assert_line --regexp '^ESTABLISHED +idle:[0-9.]+s$'
	assert_line --regexp '^CLOSE_WAIT +(≥|>=):[0-9.]+s$'
	assert_line --regexp '^TIME_WAIT +[0-9]+(\.[0-9]+)?s:left$'
}

@test "socket option bits" {
	netns
	mk listen established
	inspect_json -o +freebind,transparent,is_icsk,mc_loop
	assert_row listen.listener freebind=false transparent=false is_icsk=true
}

@test "shut down directions" {
	netns
	mk close_wait established
	inspect_json -o +shutdown
	assert_row close_wait.server shutdown=recv
	assert_row close_wait.client shutdown=send
	assert_row established.client0 shutdown=none
}
