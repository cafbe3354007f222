#!/usr/bin/env bats
# What inspect writes as JSON is what the schema says.

load ../lib/helpers
load ../lib/inspect

setup() {
	schema=$BATS_TEST_TMPDIR/schema.json
	"$SOCKCTL" porcelain schema >"$schema"
}

@test "the schema is a schema, and the one that is installed" {
	assert_json_in "$(<"$schema")" '.[0]["$schema"]'
	run cmp "$schema" "$TOP/src/view/schema.json"
	assert_success
}

@test "the schema refuses what it should" {
	local line
	while IFS= read -r line; do
		run "$TOP/tests/lib/validate" "$schema" <<<"$line"
		assert_failure
	done <<-'END'
		{}
		{"v":2,"type":"end","rows":1,"complete":true}
		{"v":1,"type":"nonsense"}
		{"v":1,"type":"end","rows":"1","complete":true}
		{"v":1,"type":"end"}
		{"v":1,"type":"socket"}
		{"v":1,"type":"socket","proto":"tcp","family":"inet","state":"OPEN","local_addr":"1.2.3.4","local_port":1,"peer_addr":null,"peer_port":null,"recv_queue_bytes":0,"send_queue_bytes":0,"inode":1,"cookie":"0x1","uid":0,"cgroup":null}
		{"v":1,"type":"socket","proto":"tcp","family":"inet","state":"LISTEN","local_addr":"1.2.3.4","local_port":"1","peer_addr":null,"peer_port":null,"recv_queue_bytes":0,"send_queue_bytes":0,"inode":1,"cookie":1,"uid":0,"cgroup":null}
	END
}

@test "every kind of socket in every state is valid, with the default columns" {
	netns
	mk established established:family=6,label=six established:family=mapped,label=m \
		listen:backlog=2,queued=2,rst=1,syn_sent=1 listen:defer=30,syn_recv=1,label=df \
		close_wait close_wait:orphan,label=orphan time_wait bound udp:queued=2 \
		fin_wait1:rcvbuf=4096,sndbuf=8192 last_ack:rcvbuf=4096,sndbuf=8192 \
		closing:rcvbuf=4096,sndbuf=8192 unix_pair:abstract=a 'unix_bound:abstract=b\n\xff,type=dgram' \
		unix_listen:abstract=l,queued=2,backlog=1 group:reuseport,n=2,clients=3,port=99
	inspect_json -tux --state all
	assert_valid
	inspect_json -tuxp --state all
	assert_valid
	inspect_json --port 99
	assert_valid
	inspect_json -l
	assert_valid
}

@test "every column is valid" {
	netns
	mk established:keepalive=60,tos=16 listen:queued=1 time_wait close_wait udp unix_pair:abstract=a
	inspect_json -tux -o "$("$SOCKCTL" porcelain fields | cut -f1 | paste -sd,)"
	assert_valid
}

@test "notes and summaries are valid" {
	netns
	mk listen:port=80,backlog=1,queued=2,syn_sent=2 udp
	sockctl_as_user inspect --json -p
	assert_output --partial '"type":"note"'
	assert_valid
	inspect --json --count
	assert_output --partial '"type":"summary"'
	assert_valid
	inspect -tu --json --summary
	assert_valid
	inspect -tu --json --group state
	assert_valid
}

@test "an answer without rows is valid" {
	netns
	inspect --json
	assert_equal "$status" 1
	assert_valid
}

@test "every key in the output is known to the schema or to the table of fields" {
	netns
	mk established listen:port=80,queued=1 time_wait unix_pair:abstract=a
	inspect_json -tuxp -o "$("$SOCKCTL" porcelain fields | cut -f1 | paste -sd,)"
	jq -r 'select(.type == "socket") | keys[]' <<<"$output" | grep -v '_hex$' | sort -u >"$BATS_TEST_TMPDIR/keys"
	assert_int "$(wc -l <"$BATS_TEST_TMPDIR/keys") > 100"
	{
		jq -r '.. | .properties? // empty | keys[]' "$schema"
		"$SOCKCTL" porcelain fields | cut -f4
	} | sort -u >"$BATS_TEST_TMPDIR/known"
	run comm -23 "$BATS_TEST_TMPDIR/keys" "$BATS_TEST_TMPDIR/known"
	assert_output ''
}
