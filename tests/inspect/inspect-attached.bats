#!/usr/bin/env bats
# What is attached to a socket: MPTCP, TCP MD5 keys, storage of BPF programs, kernel TLS.

load ../lib/helpers
load ../lib/inspect

# Sockets with something attached, or the reason why not.
attach() { # WHAT
	skip_unless_root "the kernel tells it to CAP_NET_ADMIN"
	netns
	spawn "${NS[@]}" "$TOP/tests/lib/attached" "$1"
	await_line '^ready$' || {
		end_of "$PID"
		((ENDED == 77)) || fail "$(cat "$ERR")"
		skip "$1 cannot be had here: $(tail -n 1 "$ERR")"
	}
}

@test "MD5: whom the keys are for and how long they are, never the keys" {
	attach md5
	inspect_json -l -o ulp,md5_keys,md5_peer,md5_key_len
	run jq -c 'select(.type == "socket") | [.md5_keys, (.md5_peers | sort), (.md5_key_bytes | sort)]' <<<"$output"
	assert_output '[2,["10.1.0.0/16","127.0.0.1/32"],[6,11]]'
	inspect -tl --json -o "$("$SOCKCTL" porcelain fields | cut -f1 | paste -sd,)"
	refute_output --partial sesame
	refute_output --partial "$(printf sesame | xxd -p)"
	inspect --count 'md5_peer ~ "10.*"'
	assert_output 1
	sockctl_as_user inspect -l --json -o md5_keys,md5_peer
	run jq -c 'select(.type == "socket") | [.md5_keys, .md5_peers]' <<<"$output"
	assert_output '[null,null]'
}

@test "MPTCP: the subflow's tokens, ids and flags are those that ss shows" {
	attach mptcp
	# ss: flags:Mmec token:0000(id:0)/f4aed727(id:0) seq:... sfseq:1 ssnoff:58ff6033 maplen:6
	[[ "$(in_ns ss -tnie state established 'dport = :8082')" =~ flags:([A-Za-z]+)\ token:([0-9a-f]+)\(id:([0-9]+)\)/([0-9a-f]+)\(id:([0-9]+)\)\ seq:([0-9a-f]+)\ sfseq:([0-9a-f]+)\ ssnoff:([0-9a-f]+)\ maplen:([0-9a-f]+) ]] ||
		skip "this ss does not show MPTCP"
	local want=("${BASH_REMATCH[@]:1}")
	inspect --no-findings -H --format raw state established dport = :8082 \
		-o mptcp_flags,mptcp_peer_token,mptcp_peer_id,mptcp_token,mptcp_id,mptcp_map_subflow_seq,mptcp_map_len,ulp
	assert_output "$(printf '%s\t0x%x\t%s\t0x%x\t%s\t%d\t%d\tmptcp' "${want[0]}" "0x${want[1]}" \
		"${want[2]}" "0x${want[3]}" "${want[4]}" "0x${want[6]}" "0x${want[8]}")"
	assert_equal "$((16#${want[8]}))" 6
	inspect --no-findings -H --format raw state established dport = :8082 \
		-o mptcp_map_seq,mptcp_ssn_offset,mptcp_write_seq
	# ss 6.1 prints these in hexadecimal, 6.15 in decimal; both without saying so.
	[[ $output == "${want[5]}	${want[7]}	4" ]] ||
		assert_output "$(printf '%u\t%u\t4' "0x${want[5]}" "0x${want[7]}")"
	inspect --count ulp = mptcp
	assert_output 3
	inspect --count mptcp_token = "0x${want[3]}"
	assert_output 1
}

@test "BPF storage: the map's id and what it keeps; refused to others, which is told" {
	attach bpf
	local map=${LINES_SEEN[0]#map }
	mk listen:port=80
	inspect_json -o bpf_map,bpf_value
	run jq -c 'select(.type == "socket") | [.local_port, .bpf_maps, .bpf_values]' <<<"$output"
	assert_line "[8083,[$map],[\"2a000000\"]]"
	assert_line '[80,null,null]'
	inspect --no-findings -H -o local_port,bpf_map,bpf_value "bpf_map = $map"
	assert_output --regexp "^ *8083 +$map  2a000000\$"
	# A record has them, behind what ss reads; one of an ordinary user does not know.
	inspect -q --record "$BATS_TEST_TMPDIR/dump"
	inspect --from "$BATS_TEST_TMPDIR/dump" -H --format raw -o local_port,bpf_map,bpf_value "bpf_map = $map"
	assert_output "8083	$map	2a000000"
	inspect --from "$BATS_TEST_TMPDIR/dump" -q "bpf_map = 4000000000"
	assert_equal "$status" 1
	TCPDIAG_FILE=$BATS_TEST_TMPDIR/dump run -0 ss -tanH
	assert_line --regexp ':8083 '
	as_user "$SOCKCTL" inspect -q --record - >"$BATS_TEST_TMPDIR/dump"
	inspect --from "$BATS_TEST_TMPDIR/dump" -q "bpf_map = $map"
	assert_equal "$status" 3
	inspect 'bpf_value = 1'
	assert_refused 2 'bpf_value is shown, not compared'
	sockctl_as_user inspect -l -H --no-findings -o local_port,bpf_map sport = :8083
	assert_equal "$status" 0
	assert_output --regexp '^ *8083 +-$'
	assert_equal "$stderr" 'sockctl inspect: what BPF programs keep for sockets is told to root only (CAP_BPF)'
}

@test "TLS: version, cipher and who works on the records" {
	"$TOP/tests/lib/attached" tls >"$BATS_TEST_TMPDIR/dump"
	inspect_json --from "$BATS_TEST_TMPDIR/dump" -o ulp,attached
	run jq -c 'select(.type == "socket") | [.ulp, .tls_version, .tls_cipher, .tls_tx, .tls_rx, .tls_zerocopy, .tls_no_pad, .mptcp_token]' <<<"$output"
	assert_output '["tls","1.3","aes-gcm-256","device","software",true,false,null]'
	inspect --from "$BATS_TEST_TMPDIR/dump" --count 'tls_version = 1.3 and tls_tx = device'
	assert_output 1
}

@test "TLS: a list of attributes cut off anywhere is read as far as it goes" {
	local dump=$BATS_TEST_TMPDIR/dump cut size at
	"$TOP/tests/lib/attached" tls >"$dump"
	size=$(stat -c %s "$dump")
	# The message's own length is cut with it, so that only the attributes are short.
	for ((at = 16 + 72; at < size; at += 3)); do
		cut=$BATS_TEST_TMPDIR/cut
		{
			printf '%b' "\\x$(printf %x $((at & 255)))\\x$(printf %x $((at >> 8)))\\0\\0"
			head -c "$at" "$dump" | tail -c +5
		} >"$cut"
		inspect --from "$cut" --json -o ulp,attached
		assert_equal "$status" 0
		assert_json '.[0].local_port == 443' || fail "cut at $at"
	done
}
