#!/usr/bin/env bats
# Numbers of the command line as the kernel and other programs see them: kept as they are, or
# refused with a sentence that quotes them. unit_numbers has the whole table of options.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/inspect
load ../lib/endpoint

@test "every numeric option that porcelain lists refuses what is no number, by name" {
	local command long metavar kind code said n=0
	while IFS=$'\t' read -r command long metavar kind; do
		case $kind:$metavar in
		number:* | duration:* | size:* | ports:* | text:N | text:DUR | text:N/s | text:SIZE/s) ;;
		list:LIST) ;; # --pid
		*) continue ;;
		esac
		n=$((n + 1)) code=0
		said=$("$SOCKCTL" "$command" "$long=5s5" 127.0.0.1:9 2>&1) || code=$?
		[[ $code == 2 && $said == "sockctl $command: $long: '5s5' is "* ]] || fail "$code $said"
	done < <("$SOCKCTL" porcelain options | awk -F'\t' -v OFS='\t' \
		'$4 != "" && $5 !~ /WHEN|EXPRESSION/ { print $1, $4, $5, $6 }')
	((n >= 60)) || fail "only $n options"
}

@test "a time near 2^64 is refused, none wraps to 'at once' and none means 'not given'" {
	local dur
	for dur in 18446744073709551615us 18446744073709551614us 18446744073709.551615 \
		18446744073709551us500ms 584542y 36525d1us 5s5 0.0000001; do
		for option in --timeout --wait --interval --stable; do
			sockctl probe "$option" "$dur" 127.0.0.1:9
			assert_refused 2 "$option: '$dur' is"
		done
		sockctl listen --hold "$dur" 127.0.0.1:0
		assert_refused 2 "--hold: '$dur' is"
		sockctl inspect --wait "$dur"
		assert_refused 2 "--wait: '$dur' is"
	done
	# A hundred years are kept: nothing comes of a refusal but a refusal.
	netns
	in_ns true
	probe_refused 36525d
}

probe_refused() { # DUR
	run --separate-stderr in_ns "$SOCKCTL" probe -T "$1" --json 127.0.0.1:9
	no_crash
	assert_equal "$status" 1
	assert_json '.[0].outcome == "refused"'
}

@test "socket options that the kernel cannot keep are refused: ttl, tos, keepalive, times" {
	local value
	for value in ttl=4294967295 ttl=0 ttl=256 tos=4294967295 tos=256 multicast-ttl=256 \
		mtu-discover=6 incoming-cpu=4294967295 syn-count=0 syn-count=128 linger=0.5 \
		linger2=100ms defer-accept=1.5s user-timeout=10us keepalive=0 keepalive=60:10:0 \
		keepalive=60:10:5:1 rcvbuf=2147483648 mss=70000 interface=sixteen-bytes-xx; do
		sockctl connect -O "$value" 127.0.0.1:9
		assert_refused 2 "--?O[a-z]*: '([^']*)' is"
		[[ ${value#*=} == *"${BASH_REMATCH[1]}"* ]] || fail "quotes ${BASH_REMATCH[1]} of $value"
	done
	sockctl probe --ttl 4294967295 127.0.0.1:9
	assert_refused 2 "--ttl: '4294967295' is too large, the most is 255"
}

@test "what is taken is what the kernel has: inspect reads the options back" {
	netns
	serve listen -k -O keepalive=77:7:3,user-timeout=1234ms,mss=1000,defer-accept=3 127.0.0.1:0
	inspect_json -l -o keepidle
	assert_json '.[0].keepidle_ms == 77000'
	end_served
	skip_unless_root "strace"
	command -v strace >/dev/null || skip "no strace"
	run --separate-stderr in_ns "${STRACE[@]}" -f -e trace=setsockopt "$SOCKCTL" connect \
		-O ttl=255,tos=252,mark=0xffffffff,keepalive=::9,linger=2147483647,user-timeout=2147483647ms \
		-T 1 127.0.0.1:9
	assert_regex "$stderr" 'IP_TTL, \[255\], 4\) = 0'
	assert_regex "$stderr" 'IP_TOS, \[252\], 4\) = 0'
	assert_regex "$stderr" 'SO_MARK, \[-1\], 4\) = 0'
	assert_regex "$stderr" 'TCP_KEEPCNT, \[9\], 4\) = 0'
	refute_regex "$stderr" 'TCP_KEEPIDLE'
	assert_regex "$stderr" 'l_linger=2147483647\}, 8\) = 0'
	assert_regex "$stderr" 'TCP_USER_TIMEOUT, \[2147483647\], 4\) = 0'
}

@test "--interface is one name: a comma in it begins no other option" {
	netns
	sockctl connect -T 1 --interface lo,ttl=9 127.0.0.1:9
	assert_refused 3 "set the socket option 'interface': No such device"
	sockctl probe --interface lo,ttl=9 127.0.0.1:9
	[[ $output == *"'interface': No such device"* ]] || fail "$output"
}

@test "rates: what is no whole number is refused, a huge one neither wraps nor stalls" {
	local rate file=$BATS_TEST_TMPDIR/data
	for rate in 0.5 0.5/s 0 nan 18446744073709551616; do
		sockctl probe --rate "$rate" 127.0.0.1:9
		assert_refused 2 "--rate: '$rate' is"
	done
	make_data "$file" 100K
	netns
	for rate in 281474976710656 562949953421312/s 9223372036854775807; do
		serve listen --read-rate "$rate" --write-rate "$rate" 127.0.0.1:0
		run --separate-stderr in_ns timeout 60 "$SOCKCTL" connect --read-rate "$rate" \
			--write-rate "$rate" "$ADDR" <"$file"
		assert_success
		served
		cmp "$file" "$SERVED"
		run --separate-stderr in_ns timeout 60 "$SOCKCTL" connect --connections 3 \
			--rate "$rate" "$ADDR"
		assert_refused 1 refused
	done
}

@test "nought where it would be taken for 'not given' is refused" {
	local option
	for option in --chunk --corrupt --limit-fds --timeout --idle --max -w; do
		sockctl listen "$option" 0 127.0.0.1:0
		assert_refused 2 "$option: '0' is"
	done
	for option in --count --size --connections --threads; do
		sockctl echo --client "$option" 0 127.0.0.1:9
		assert_refused 2 "$option: '0' is"
	done
	for option in --parallel --max; do
		sockctl probe "$option" 0 127.0.0.1:9
		assert_refused 2 "$option: '0' is"
	done
}

@test "limits that the system cuts are told: backlog, descriptors" {
	netns
	serve listen -k --backlog 100000 127.0.0.1:0
	assert_equal "$(in_ns ss -Hltn "sport = :$PORT" | awk '{ print $3 }')" "$(in_ns cat /proc/sys/net/core/somaxconn)"
	end_served
	run --separate-stderr in_ns timeout 20 "$SOCKCTL" listen --backlog 100000 -T 1ms 127.0.0.1:0
	assert_refused 4 "backlog: asked for 100000, the kernel took [0-9]+ \(net.core.somaxconn\)"
	run --separate-stderr in_ns bash -c "ulimit -n 100; exec '$SOCKCTL' listen --limit-fds 101 127.0.0.1:0"
	assert_refused 3 "101 is above the hard limit of 100 descriptors"
}

@test "a reader that goes away is not taken for --limit" {
	netns
	mk established:n=2000,quiet
	run --separate-stderr bash -c "'${NS[0]}' '${NS[1]}' '$SOCKCTL' inspect --no-findings --sort rtt | head -n 1"
	assert_success
	assert_equal "$stderr" ''
	inspect --no-findings --sort rtt --limit 3
	assert_success
	assert_regex "$stderr" 'stopped after 3 rows'
	inspect --no-findings --sort rtt --limit 4000
	assert_equal "$(complaints)" ''
}

@test "a count of probes that has no room in 64 bits is not a small one" {
	sockctl probe --attempts 4611686018427387904 127.0.0.1:1,2,3,4
	assert_refused 2 '[0-9]{19,} probes are more than 1000000'
}

@test "literals of expressions: finer than the column counts is refused" {
	netns
	inspect 'idle > 1500us'
	assert_refused 2 "'1500us' is not a whole number of milliseconds"
	inspect 'idle > 5s5'
	assert_refused 2 "'5s5' is not a duration"
	inspect 'rtt > 18446744073709551615us'
	assert_refused 2 'too long a time'
	inspect --allow-empty 'idle > 1500ms'
	assert_success
}

@test "a command after probe or of listen has the descriptors that sockctl was started with" {
	local limits='ulimit -Sn; ulimit -Hn'
	netns
	serve listen -k 127.0.0.1:0
	run --separate-stderr in_ns bash -c "ulimit -n 5000; ulimit -Sn 200
		exec '$SOCKCTL' probe $ADDR -- bash -c '$limits'"
	assert_success
	assert_output $'200\n5000'
	# A scan takes what it can get.
	run --separate-stderr in_ns bash -c "ulimit -n 5000; ulimit -Sn 200
		exec '$SOCKCTL' probe -q 127.0.0.1:1-65535 -- bash -c '$limits'"
	assert_success
	assert_output $'200\n5000'
	end_served
	run --separate-stderr in_ns bash -c "ulimit -n 5000; ulimit -Sn 200
		exec '$SOCKCTL' probe --wait 1s --down $ADDR -- bash -c '$limits'"
	assert_output $'200\n5000'
	run --separate-stderr in_ns bash -c "ulimit -n 5000; ulimit -Sn 200
		'$SOCKCTL' listen --limit-fds 50 --background --port-file '$BATS_TEST_TMPDIR/port' --sh '$limits' 127.0.0.1:0
		'$SOCKCTL' connect \$(<'$BATS_TEST_TMPDIR/port')" </dev/null
	assert_success
	assert_output $'200\n5000'
}
