#!/usr/bin/env bats
# The filter language: every word of ss's, with true precedence, any column, lists, ranges,
# prefixes and globs.

load ../lib/helpers
load ../lib/inspect
load ../lib/endpoint

# The same population for each test. (Not for the file: TIME_WAIT ends after a minute.)
setup() {
	netns
	in_ns ip -6 addr add 7f00:1::1/64 dev lo nodad
	in_ns ip addr add 10.1.2.3/24 dev lo
	mk listen:port=80,label=www listen:family=6,port=443,label=six \
		listen:family=dual,port=8080,label=dual \
		established:port=8000,from=127.0.0.2,cport=40000,label=a \
		established:family=6,port=8005,cport=40001,label=b \
		established:family=mapped,port=8010,cport=40002,label=m \
		close_wait:port=9000,cport=40003,label=cw \
		time_wait:port=9001,cport=40004,label=tw \
		listen:addr=7f00:1::1,port=8081,label=lookalike \
		established:addr=10.1.2.3,port=8020,from=10.1.2.3,cport=40005,label=ten
}

A='a.client0 a.server0'
B='b.client0 b.server0'
M='m.client0 m.server0'
CW='cw.client cw.server'
TEN='ten.client0 ten.server0'
LISTENERS='www.listener six.listener dual.listener lookalike.listener'
ALL="$LISTENERS $A $B $M $CW $TEN tw.socket"

# Rows of "EXPRESSION => LABELS"; blank lines and # separate.
assert_table() {
	local line want bad=0
	while IFS= read -r line; do
		[[ -z $line || $line == \#* ]] && continue
		read -r -a want <<<"$(eval "echo ${line#*=>}")"
		assert_matches "${line%% =>*}" -- "${want[@]}" || bad=1
	done
	return $bad
}

@test "an empty expression matches everything" {
	assert_matches -- $ALL
	assert_matches '' -- $ALL
	assert_matches ' ' -- $ALL
}

@test "ports: every spelling of ss" {
	assert_table <<-'END'
		sport = :80 => www.listener
		sport == :80 => www.listener
		sport eq :80 => www.listener
		sport :80 => www.listener
		sport 80 => www.listener
		sport = 80 => www.listener
		sport = :http => www.listener
		sport = http => www.listener
		( sport = :80 ) => www.listener
		(sport=:80) => www.listener
		sport=80 => www.listener
		dport = :8000 => a.client0
		sport = :8000 => a.server0
		dport = 40000 => a.server0
		sport >= :40004 => tw.socket ten.client0
		sport ge 40004 => tw.socket ten.client0
		sport > 40004 => ten.client0
		sport gt :40004 => ten.client0
		sport < 443 => www.listener
		sport lt 443 => www.listener
		sport <= 443 => www.listener six.listener
		sport le 443 => www.listener six.listener
		sport != 80 and sport < 1000 => six.listener
		sport neq 80 and sport < 1000 => six.listener
		sport ne 80 and sport < 1000 => six.listener
	END
}

@test "ports: lists and ranges" {
	assert_table <<-'END'
		sport in (80,443) => www.listener six.listener
		sport in (80, 443, 8000-8004) => www.listener six.listener a.server0
		sport in(http,https) => www.listener six.listener
		dport in (8000-8010) => a.client0 b.client0 m.client0
		not sport in (1-65535) =>
		local_port in (80) => www.listener
	END
}

@test "a colon and a port is either end" {
	assert_table <<-'END'
		:8000 => $A
		:80 => www.listener
		:40000 => $A
		not :8000 and dst 127.0.0.2 =>
	END
}

@test "src and dst: addresses, with and without port" {
	assert_table <<-'END'
		src 127.0.0.2 => a.client0
		dst 127.0.0.2 => a.server0
		src = 127.0.0.2 => a.client0
		src == 127.0.0.2 => a.client0
		src 127.0.0.1:80 => www.listener
		src 127.0.0.1:http => www.listener
		dst 127.0.0.1:8000 => a.client0
		src [::1]:443 => six.listener
		src [::1] => six.listener $B
		src ::1 => six.listener $B
		dst ::1 => $B
		src 10.1.2.3 => $TEN
		src != 127.0.0.1 and state established => a.client0 $B $TEN
	END
}

@test "prefixes count bits; an address without prefix length is exact" {
	assert_table <<-'END'
		src 10.0.0.0/8 => $TEN
		src 10.1.2.0/24 => $TEN
		src 10.1.2.2/31 => $TEN
		src 10.1.2.0/31 =>
		src 127.0.0.2/32 => a.client0
		src 127.0.0 =>
		src 10.1.2.3/32 => $TEN
		dst 10/8 => $TEN
		src 7f00:1::/32 => lookalike.listener
		src 7f00::/8 => lookalike.listener
		src ::/0 and sport 8081 => lookalike.listener
	END
}

@test "an IPv4 prefix matches v4-mapped rows and no unrelated IPv6 row" {
	assert_table <<-'END'
		src 127.0.0.0/8 => www.listener $A $M $CW tw.socket
		src 127.0.0.1 => www.listener a.server0 $M $CW tw.socket
		src 0.0.0.0/0 => www.listener $A $M $CW $TEN tw.socket
		src 127.0.0.0/8 and sport 8081 =>
		not src 0.0.0.0/0 => six.listener dual.listener lookalike.listener $B
	END
}

@test "and binds tighter than or, not tighter than and" {
	assert_table <<-'END'
		sport 80 or sport 443 and state established => www.listener
		state established and sport 8000 or sport 80 => a.server0 www.listener
		(sport 80 or sport 443) and state established =>
		sport 80 or (sport 443 and state listening) => www.listener six.listener
		not sport 80 and sport < 1000 => six.listener
		not (sport 80 and sport < 1000) and sport < 1000 => six.listener
		not sport 80 or sport 80 => $ALL
		not not sport 80 => www.listener
		sport 80 or sport 443 or sport 8080 => www.listener six.listener dual.listener
	END
}

@test "and, or, not as ss writes them too" {
	assert_table <<-'END'
		sport 80 | sport 443 => www.listener six.listener
		sport 80 || sport 443 => www.listener six.listener
		sport < 1000 & sport > 100 => six.listener
		sport < 1000 && sport > 100 => six.listener
		! sport 80 and sport < 1000 => six.listener
		!(sport 80) and sport < 1000 => six.listener
		sport < 1000 sport > 100 => six.listener
	END
}

@test "several operands are joined by and" {
	assert_matches 'sport < 1000' 'sport > 100' -- six.listener
	assert_matches 'sport 80 or sport 443' 'state listening' -- www.listener six.listener
	assert_matches sport = :80 -- www.listener
	assert_matches '(' sport = :80 or sport = :443 ')' -- www.listener six.listener
}

@test "states: any case, - or _, and ss's names for several" {
	assert_table <<-'END'
		state close-wait => cw.server
		state CLOSE_WAIT => cw.server
		state = close_wait => cw.server
		state fin-wait-2 => cw.client
		state FIN_WAIT2 => cw.client
		state listening => $LISTENERS
		state listen => $LISTENERS
		state time-wait => tw.socket
		state bucket => tw.socket
		state big => $LISTENERS $A $B $M $CW $TEN
		state connected => $A $B $M $CW $TEN tw.socket
		state synchronized => $A $B $M $CW $TEN tw.socket
		state all => $ALL
		state established => $A $B $M $TEN
		state in (close-wait, time-wait) => cw.server tw.socket
		state != established and state != listen => $CW tw.socket
		not state established and not state listen => $CW tw.socket
		exclude established and exclude listening => $CW tw.socket
	END
}

@test "options choose as expressions do" {
	assert_matches --port 8000 -- $A
	assert_matches --port 80,8000-8005 -- www.listener $A $B
	assert_matches --port http -- www.listener
	assert_matches --state close-wait,time_wait -- cw.server tw.socket
	assert_matches --listen -- $LISTENERS
	assert_matches -l --port 80 -- www.listener
	assert_matches --src 127.0.0.2 -- a.client0
	assert_matches --dst 127.0.0.2 -- a.server0
	assert_matches --src 10.0.0.0/8 --dst 10.0.0.0/8 --port 8020 -- $TEN
	assert_matches --port 8000 'state established and src 127.0.0.2' -- a.client0
	assert_matches -4 --listen -- www.listener
	assert_matches --state listen --state time-wait -- $LISTENERS tw.socket
}

@test "any column is an identifier" {
	assert_table <<-'END'
		local_port = 80 => www.listener
		family = inet6 and state established => $B m.server0
		accept_queue_limit = 16 => $LISTENERS
		proto = tcp => $ALL
		proto = udp =>
		recv_queue > 0 =>
		recv_queue >= 0 and state established => $A $B $M $TEN
		time_left > 10s => tw.socket
		time_left > 100s =>
		local_addr = 127.0.0.2 => a.client0
		v6only = true => six.listener lookalike.listener
		v6only => six.listener lookalike.listener
		v6only = false => dual.listener
		state = established and rtt > 0us => $A $B $M $TEN
		rtt > 50s =>
		rtt < 10s and state listening =>
		idle < 1h => $A $B $M $TEN
		snd_mss > 1k and state established and sport 8000 => a.server0
	END
	assert_matches "inode = ${F[www.listener.inode]}" -- www.listener
	assert_matches "cookie = ${F[www.listener.cookie]}" -- www.listener
	assert_matches "inode in (${F[www.listener.inode]},${F[six.listener.inode]})" -- www.listener six.listener
	assert_matches "uid = 0 and sport 80" -- www.listener
}

@test "an absent value matches neither a comparison nor its opposite" {
	assert_table <<-'END'
		rtt > 0us and state time-wait =>
		rtt <= 0us and state time-wait =>
		rtt != 5us and state time-wait =>
		accept_queue = 0 => $LISTENERS
		accept_queue != 0 =>
	END
}

@test "globs match text" {
	assert_table <<-'END'
		family ~ inet* => $ALL
		family ~ "*6" and state established => $B m.server0
		proto ~ u* =>
		proto ~ t?p and sport 80 => www.listener
	END
}

@test "dev, autobound and the other words of ss" {
	assert_table <<-'END'
		dev = lo =>
		dev lo =>
		not dev lo and sport 80 => www.listener
		autobound and sport 80 =>
	END
}

@test "fwmark and cgroup, as root" {
	skip_unless_root "marks are told to root"
	assert_table <<-'END'
		fwmark = 0 and sport 80 => www.listener
		fwmark = 0x0/0xff and sport 80 => www.listener
		fwmark = 7 =>
	END
	inspect 'cgroup = /no/such/group'
	assert_refused 3 "there is no control group '/no/such/group'"
	# A directory, but none of the hierarchy.
	inspect "cgroup $BATS_TEST_TMPDIR"
	assert_refused 3 "there is no control group '$BATS_TEST_TMPDIR'"
}

@test "cgroup: what the column shows is what the word takes, the root too" {
	local group
	inspect --json sport 80
	group=$(jq -r 'select(.type == "socket").cgroup' <<<"$output")
	[[ $group == /* ]] || skip "no cgroup v2 here"
	assert_matches "cgroup $group and sport 80" -- www.listener
	grep -q ' - cgroup2 ' /proc/self/mountinfo || skip "no cgroup v2 here"
	assert_matches "cgroup $(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)$group and sport 80" -- www.listener
}

@test "the path of a unix socket is matched whole, by prefix and by glob" {
	local path=$BATS_TEST_TMPDIR/sock
	mk unix_listen:path="$path",label=file unix_bound:abstract=name,type=dgram,label=name
	for word in "src = $path" "src unix:$path" "path = $path" "local = $path" "path ~ *$path" "src ${path%k}?"; do
		assert_matches -x "$word" -- file.listener
	done
	assert_matches -x 'src = @name' -- name.bound
	assert_matches -x "path = ${path}x" --
	assert_matches -x "path = ${path%k}" --
}

@test "--pid takes numbers and ranges, and nothing else" {
	assert_matches --pid "1,$((MK_PID - 1))-$MK_PID" --port 80 -- www.listener
	assert_matches --pid "$((MK_PID + 1))-$((MK_PID + 2))" --port 80 --
	inspect --pid '1) or (state = listen'
	assert_refused 2 "--pid: '1\) or \(state = listen' is not the number of a process"
	inspect --pid "5,abc"
	assert_refused 2 $'  5,abc\n    \\^\n'
	inspect --pid 9-5
	assert_refused 2 "'9-5' is not the number"
}

@test "the reason is told where an address is nearly one" {
	inspect 'src 10.0.0.0/33'
	assert_refused 2 $'\'33\' is no prefix length of an IPv4 address: that is 0 to 32\n.*\n               \\^'
	inspect 'src fe80::/129:80'
	assert_refused 2 "'129' is no prefix length of an IPv6 address"
	inspect 'dst 300.1.1.1'
	assert_refused 2 "'300.1.1.1' is not an IPv4 address"
}

@test "a name with several addresses matches all of them" {
	local hosts=$BATS_TEST_TMPDIR/hosts
	skip_unless_mounts 'it mounts a hosts file'
	printf '%s\n' '127.0.0.1 both.test' '::1 both.test' >"$hosts"
	NS+=(unshare --mount sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$hosts")
	assert_matches 'dst both.test and state established' -- a.client0 b.client0 b.server0 m.client0 m.server0
}

@test "a full 4-tuple is one socket" {
	assert_matches 'src 127.0.0.2:40000 and dst 127.0.0.1:8000' -- a.client0
	assert_matches 'src 127.0.0.1:8000 and dst 127.0.0.2:40000' -- a.server0
	assert_matches 'src 127.0.0.1:8010 and dst 127.0.0.1:40002' -- m.server0
	assert_matches 'src [::1]:40001 dst [::1]:8005' -- b.client0
	assert_matches 'src 127.0.0.1:40004 and dst 127.0.0.1:9001' -- tw.socket
	assert_matches 'src 127.0.0.1:80 and dst 127.0.0.9:5' --
	assert_matches 'src 127.0.0.2:40000 and dst 127.0.0.1:8000 and state listening' --
}

@test "what the kernel filtered and what it could not together" {
	assert_table <<-'END'
		sport 8000 and inode > 0 => a.server0
		sport 8000 or recv_queue > 100 => a.server0
		sport 8000 or state close-wait => a.server0 cw.server
		not (sport 8000 or state close-wait) and (sport 8000 or sport 9000) =>
		(dst 127.0.0.2 or dst ::1) and idle < 1h => a.server0 $B
	END
}

@test "mistakes are refused at the place, exit 2" {
	local line
	while IFS= read -r line; do
		inspect "$line"
		if ((status != 2)) || [[ $stderr != *^* || -n $output ]]; then
			echo "'$line': status $status, $stderr" >&2
			return 1
		fi
	done <<-'END'
		sport =
		sport = :99999
		sport 80 and
		and sport 80
		(sport 80
		sport 80)
		()
		sport in ()
		sport in (80
		sport in 80,443)
		sport in (90-80)
		frobnicate = 3
		state = frobnicate
		src 1.2.3.4/33
		src ::1/129
		src ~ 127.*
		local_addr ~ 127.*
		rtt > fast
		rtt > 5parsecs
		recv_queue > 1z
		inode ~ 5(
		sport = = 80
		not
		src [::1
		src ::1:80:
		state
		sport 80 80
		"unterminated
		sport = 80 or or sport = 81
	END
}

@test "a wrong name is answered with the nearest" {
	inspect 'statee = listening'
	assert_refused 2 "state"
	inspect 'sprot = 80'
	assert_refused 2 "sport"
	inspect 'timer = retransmission'
	assert_refused 2 "did you mean 'retransmit'"
	# Where none is near, the words that there are.
	inspect 'timer = 5'
	assert_refused 2 'it is one of: none, retransmit, keepalive, timewait, probe'
	inspect 'family = 4'
	assert_refused 2 'it is one of: inet, inet6, unix'
	inspect 'state = 1'
	assert_refused 2 'such as listen, established'
	inspect --state 1,listen
	assert_refused 2 'such as listen, established'
}

@test "nesting has a limit that is told, not found by a crash" {
	inspect "$(printf '(%.0s' {1..20000})sport 80$(printf ')%.0s' {1..20000})"
	assert_refused 2 .
	inspect "$(printf 'not %.0s' {1..20000})sport 80"
	assert_int 'status == 0 || status == 1 || status == 2'
}

@test "a long list of alternatives works" {
	assert_matches "sport in ($(seq -s, 1 2 2001),80)" -- www.listener six.listener
	assert_matches "$(printf 'sport %d or ' {20000..20900}) sport 80" -- www.listener
}

@test "both ends in full: a connection that is bound to a device is found, too" {
	mk established:dev=lo,port=8030,cport=40030,label=dev
	assert_matches src 127.0.0.1:8030 dst 127.0.0.1:40030 -- dev.server0
	assert_matches src 127.0.0.1:40030 dst 127.0.0.1:8030 -- dev.client0
	assert_matches src 127.0.0.1:40031 dst 127.0.0.1:8030 --
}

@test "both ends in full, as they are shown: link-local addresses" {
	local here there
	skip_unless_root "makes a network device"
	in_ns ip link add here type veth peer name there
	in_ns ip link set here addrgenmode none up
	in_ns ip -6 addr add fe80::1/64 dev here nodad
	serve listen --recv-only '[fe80::1%here]:8040'
	spawn "${NS[@]}" "$SOCKCTL" connect '[fe80::1%here]:8040'
	inspect -H --wait 30s --format raw -o local,peer established dport = :8040
	assert_clean
	read -r here there <<<"$output"
	assert_equal "$there" '[fe80::1%here]:8040'
	inspect -H --format raw -o local,peer src "$here" dst "$there"
	assert_clean
	assert_output "$here	$there"
	inspect -H --format raw -o local,peer src "$there" dst "$here"
	assert_output "$there	$here"
}
