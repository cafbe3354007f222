#!/usr/bin/env bats
# Bursts of 40 clients that close at once, reset, half-close, say nothing or never read: the
# server lives, answers an honest client and has what it began with. tests/soak does so for
# minutes; its header says how.

load ../lib/helpers

# 3,000 connections, or as many as there are in a few seconds.
bursts() { # SERVER
	run timeout 300 "$TOP/tests/soak" 3 3000 "$1"
	assert_status 0
	assert_regex "$output" ': ([0-9]+) connections'
	assert_int 'BASH_REMATCH[1] >= 40'
}

@test "--exec" {
	bursts exec
}

@test "--sh" {
	bursts sh
}

@test "--http" {
	bursts http
}

@test "--reply" {
	bursts reply
}

@test "--output" {
	bursts output
}

@test "echo" {
	bursts echo
}

@test "echo --threads" {
	bursts threads
}
