#!/usr/bin/env bats
# A path that is denied: which component denies it, to whom, and that what is advised helps.

load ../lib/helpers

setup() {
	DIR=$(mktemp -d /tmp/sockctl-tests.XXXXXX)
	chmod 755 "$DIR"
	cp "$SOCKCTL" "$DIR/sockctl"
	NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)
}

teardown() {
	reap
	documents_are_valid
	chattr -i "$DIR"/* 2>/dev/null || true
	rm -rf "$DIR"
}

as_nobody() { # ARG...
	run --separate-stderr in_ns "${NOBODY[@]}" "$DIR/sockctl" "$@"
	no_crash
}

# What a connection that was denied says.
connect_says() { # UNIT...
	as_nobody connect "$@" </dev/null
	assert_status 3
	output=$(sed -n 's/^  no-permission  //p' <<<"$stderr")
}

bindable_says() { # OPTION... PATH
	as_nobody inspect --json --bindable "${@: -1}" "${@:1:$#-1}"
	output=$(jq -r 'select(.type == "bindable").causes[] | "\(.id) \(.summary)"' <<<"$output")
}

socket_at() { # PATH MODE [GROUP]
	mk unix_listen:path="$1"
	chgrp "${3-root}" "$1"
	chmod "$2" "$1"
}

@test "a directory that cannot be searched, a socket that cannot be written to: named, and healthy twins not" {
	skip_unless_root "another user must ask"
	netns
	mkdir -p "$DIR/a/b"
	socket_at "$DIR/a/b/s" 666
	as_nobody probe "unix:$DIR/a/b/s"
	assert_status 0
	chmod 710 "$DIR/a"
	connect_says "unix:$DIR/a/b/s"
	assert_output "$DIR/a is 0710 root:root: user nobody cannot search it"
	assert_contains "$stderr" 'What is below it could not be looked at'
	chmod 711 "$DIR/a"
	chmod 660 "$DIR/a/b/s"
	connect_says "unix:$DIR/a/b/s"
	assert_output "$DIR/a/b/s is 0660 root:root: connecting needs write permission, which user nobody does not have"
	assert_equal "$(grep -c usermod <<<"$stderr")" 0 # the group of root is no remedy
	as_nobody probe --json "unix:$DIR/a/b/s"
	assert_status 3
	assert_json 'map(select(.type == "summary"))[0] | .outcome == "no-permission" and
		(.cause | contains("/a/b/s is 0660 root:root: connecting needs write permission"))'
}

@test "links, absolute and relative, and .. lead to the directory itself" {
	skip_unless_root "another user must ask"
	netns
	mkdir -p "$DIR/real/deep" "$DIR/closed"
	chmod 700 "$DIR/closed"
	ln -s "$DIR/closed" "$DIR/real/absolute"
	ln -s ../real/absolute/../closed "$DIR/real/relative"
	for path in "$DIR/real/absolute/s" "$DIR/real/relative/s" "$DIR/real/deep/../../closed/s" "$DIR//real/./absolute//s"; do
		connect_says "unix:$path"
		assert_output "$DIR/closed is 0700 root:root: user nobody cannot search it"
	done
	cd "$DIR/real"
	connect_says unix:absolute/s
	assert_output "$DIR/closed is 0700 root:root: user nobody cannot search it"
	# The working directory itself.
	cd "$DIR/closed"
	connect_says unix:s
	assert_output "$DIR/closed is 0700 root:root: user nobody cannot search it"
	connect_says unix:/proc/1/root/run/s
	assert_output "/proc/1/root can be followed only by who may trace that process"
}

@test "--bindable, listen: to search and to create files in" {
	skip_unless_root "another user must ask"
	netns
	mkdir "$DIR/a"
	for row in 755:"create files in it" 756:"search it" 750:"search it or create files in it"; do
		chmod "${row%%:*}" "$DIR/a"
		bindable_says "$DIR/a/s"
		assert_output "no-permission $DIR/a is 0${row%%:*} root:root: user nobody cannot ${row#*:}"
		assert_status 1
		# Root asks about the same user.
		inspect --json --bindable "$DIR/a/s" --as-user nobody
		assert_status 1
		assert_json ".[0].causes == [{id:\"no-permission\", summary:\"$DIR/a is 0${row%%:*} root:root: user nobody cannot ${row#*:}\",
			advice:.[0].causes[0].advice, commands:[], processes:[]}]"
	done
	as_nobody listen "unix:$DIR/a/s" </dev/null
	assert_status 3
	assert_contains "$stderr" "no-permission  $DIR/a is 0750 root:root: user nobody cannot search it or create files in it"
	chmod 777 "$DIR/a"
	inspect --bindable "$DIR/a/s" --as-user nobody
	assert_output "yes: $DIR/a/s can be bound"
	bindable_says "$DIR/a/s"
	assert_output ""
	assert_status 0
}

@test "a file that is in the way, and a directory that the user cannot write to: both" {
	skip_unless_root "another user is asked about"
	netns
	mk unix_bound:path="$DIR/stale"
	mk_more close:of=unix_bound.bound
	inspect --json --bindable "$DIR/stale" --as-user nobody
	assert_json '.[0] | [.causes[].id] == ["stale-unix", "no-permission"] and
		(.commands | length) == 2 and (.commands[1] | startswith("setfacl "))'
}

# The one command of an answer, obeyed by root.
obey() { # [RUNNER]...
	local command runner=("$@")
	((${#runner[@]})) || runner=(in_ns sh -c)
	command=$(jq -r 'select(.type == "bindable").commands[], (select(.type == "note" and .causes).causes[].commands[])' <<<"$output")
	assert_equal "$(wc -l <<<"$command")" 1
	"${runner[@]}" "${command#sudo }" || fail "does not work: $command"
}

@test "the right for one user, as advised, lets that user bind, and no other" {
	skip_unless_root "another user is asked about"
	command -v setfacl >/dev/null || skip "setfacl is not installed"
	netns
	mkdir "$DIR/it's a b"
	inspect --json --bindable "$DIR/it's a b/s" --as-user nobody
	obey
	inspect --bindable "$DIR/it's a b/s" --as-user nobody
	assert_status 0
	inspect --bindable "$DIR/it's a b/s" --as-user daemon
	assert_status 1
	bindable_says "$DIR/it's a b/s"
	assert_status 0
}

@test "the owner whom the mode denies gets it back by chmod, as advised" {
	skip_unless_root "another user is asked about"
	netns
	mkdir -m 500 "$DIR/own"
	chown 65534 "$DIR/own"
	inspect --json --bindable "$DIR/own/s" --as-user nobody
	assert_json '.[0].causes[0].summary | endswith("/own is 0500 nobody:root: user nobody cannot create files in it")'
	obey
	bindable_says "$DIR/own/s"
	assert_status 0
}

# As usermod and newgrp see it, a copy of /etc in a mount namespace.
in_copy_of_etc() { # CMD
	# shellcheck disable=SC2016
	in_ns unshare --mount sh -c 'mount --bind "$1" /etc && exec sh -c "$2"' sh "$DIR/etc" "$1"
}

@test "the group that is named, joined as advised, may connect: after a new login" {
	skip_unless_mounts "/etc is copied"
	command -v usermod >/dev/null && command -v newgrp >/dev/null || skip "usermod or newgrp is not installed"
	netns
	cp -a /etc "$DIR/etc"
	socket_at "$DIR/s" 660 www-data
	as_nobody connect --json "unix:$DIR/s" </dev/null
	assert_valid "$stderr"
	assert_equal "$(jq -r 'select(.causes).causes[0] | .summary, .commands[]' <<<"$stderr")" \
		"$DIR/s is 0660 root:www-data: connecting needs write permission, which user nobody does not have
sudo usermod -aG www-data nobody"
	output=$stderr
	obey in_copy_of_etc
	# The groups of a process stay what they were.
	run in_copy_of_etc "${NOBODY[*]} $DIR/sockctl connect unix:$DIR/s </dev/null"
	assert_status 3
	assert_contains "$output" "User nobody is a member of group www-data by now, but this process began before that"
	assert_line --regexp '^ +newgrp www-data$'
	run in_copy_of_etc "setpriv --reuid=65534 --regid=65534 --init-groups $DIR/sockctl probe unix:$DIR/s"
	assert_status 0
	run in_copy_of_etc "echo '$DIR/sockctl probe unix:$DIR/s' | SHELL=/bin/sh ${NOBODY[*]} newgrp www-data"
	assert_status 0
	run in_copy_of_etc "$DIR/sockctl inspect --bindable unix:$DIR/s --as-user nobody"
	assert_status 1
}

@test "an access control list decides, by an entry or by its mask: said so" {
	skip_unless_root "another user must ask"
	netns
	mkdir "$DIR/a"
	setfacl -m u:65534:rwx "$DIR/a" || skip "no access control lists here"
	bindable_says "$DIR/a/s"
	assert_status 0
	setfacl -m m::r "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_output "no-permission the access control list of $DIR/a does not let user nobody search it or create files in it"
	setfacl -m u:65534:-,m::rwx,o::rwx "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_output "no-permission the access control list of $DIR/a does not let user nobody search it or create files in it"
	# Of its owner the list says nothing.
	chown 65534 "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_status 0
	chmod 500 "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_contains "$output" "$DIR/a is 0500 nobody:root: user nobody cannot create files in it"
	# Who cannot act as a user reads modes, and of lists only that they are there.
	chown 0 "$DIR/a"
	chmod 770 "$DIR/a"
	bindable_says --as-user daemon "$DIR/a/s"
	assert_status 3
	assert_output "unknown $DIR/a has an access control list, or may have one: whether it lets user daemon search it or create files in it is not known"
}

@test "who cannot act as a user judges by modes, and only as far as the caller sees" {
	skip_unless_root "another user must ask"
	netns
	mkdir -p "$DIR/a" "$DIR/closed/b"
	bindable_says --as-user daemon "$DIR/a/s"
	assert_output "no-permission $DIR/a is 0755 root:root: user daemon cannot create files in it"
	bindable_says --as-user root "$DIR/a/s"
	assert_status 0
	chmod 700 "$DIR/closed"
	bindable_says --as-user root "$DIR/closed/b/s"
	assert_status 3
	assert_output "unknown $DIR/closed/b could not be looked at: Permission denied"
	chmod 777 "$DIR/a"
	bindable_says --as-user daemon "$DIR/a/s"
	assert_status 0
}

@test "supplementary groups count" {
	skip_unless_root "another user must ask"
	netns
	mkdir -m 770 "$DIR/a"
	chgrp 4321 "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_output "no-permission $DIR/a is 0770 root:4321: user nobody cannot search it or create files in it"
	NOBODY=(setpriv --reuid=65534 --regid=65534 --groups "4320,4321")
	bindable_says "$DIR/a/s"
	assert_status 0
	# A group that is denied what others may.
	chmod 707 "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_output "no-permission $DIR/a is 0707 root:4321: user nobody cannot search it or create files in it"
}

@test "root without the capabilities is one user among others" {
	skip_unless_root "capabilities are dropped"
	netns
	mkdir -m 700 "$DIR/a"
	chown 65534 "$DIR/a"
	NOBODY=(setpriv "--bounding-set=-dac_override,-dac_read_search" "--inh-caps=-dac_override,-dac_read_search")
	bindable_says "$DIR/a/s"
	assert_output "no-permission $DIR/a is 0700 nobody:root: user root, without CAP_DAC_OVERRIDE, cannot search it or create files in it"
	connect_says "unix:$DIR/a/s"
	assert_contains "$stderr" 'Run it as user nobody, or with CAP_DAC_OVERRIDE.'
	# As advised.
	NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	bindable_says "$DIR/a/s"
	assert_status 0
}

@test "root of a user namespace has no rights on what is not mapped there" {
	skip_unless_root "another user must ask"
	unshare --user true 2>/dev/null || skip "no user namespaces here"
	netns
	mkdir -m 700 "$DIR/a"
	NOBODY+=(unshare --user --map-root-user)
	bindable_says "$DIR/a/s"
	assert_output "no-permission $DIR/a is 0700 (not mapped):(not mapped): this user namespace does not map its owner or group, so that its capabilities do not count there"
	chmod 755 "$DIR/a"
	chown 65534:65534 "$DIR/a"
	bindable_says "$DIR/a/s"
	assert_status 0
}

@test "a read-only mount: bind() is told, for connect() it is no cause" {
	skip_unless_mounts "it is mounted"
	netns
	mkdir "$DIR/ro"
	socket_at "$DIR/ro/s" 600
	# shellcheck disable=SC2016
	NOBODY=(unshare --mount sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' "$DIR/ro")
	bindable_says "$DIR/ro/new"
	assert_output "no-permission $DIR/ro is on a file system that is mounted read-only"
	as_nobody probe "unix:$DIR/ro/s"
	assert_status 0
	NOBODY+=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	connect_says "unix:$DIR/ro/s"
	assert_output "$DIR/ro/s is 0600 root:root: connecting needs write permission, which user nobody does not have"
}

@test "a directory that is immutable, and made mutable as advised" {
	skip_unless_root "attributes are set"
	netns
	mkdir "$DIR/fixed"
	chattr +i "$DIR/fixed" 2>/dev/null || skip "this file system has no such attribute"
	inspect --json --bindable "$DIR/fixed/s"
	assert_json '.[0].causes[0] | .id == "no-permission" and (.summary | endswith("/fixed is immutable (chattr +i): no files can be created in it"))'
	obey
	inspect --bindable "$DIR/fixed/s"
	assert_status 0
}

# fs.protected_symlinks is of the whole machine: the file is covered, and the kernel denies
# for another reason.
@test "a link in a sticky directory that others may write to: only where the setting is on" {
	skip_unless_mounts "the setting is covered"
	netns
	mkdir "$DIR/closed"
	chmod 700 "$DIR/closed"
	mkdir -m 1777 "$DIR/sticky"
	ln -s "$DIR/closed" "$DIR/sticky/link"
	chown -h 1 "$DIR/sticky/link"
	cover() { # VALUE
		echo "$1" >"$DIR/setting"
		# shellcheck disable=SC2016
		NOBODY=(unshare --mount sh -c 'mount --bind "$0" /proc/sys/fs/protected_symlinks && exec "$@"' "$DIR/setting"
			setpriv --reuid=65534 --regid=65534 --clear-groups)
	}
	cover 1
	connect_says "unix:$DIR/sticky/link/s"
	assert_output "$DIR/sticky/link is a symbolic link of user daemon in a sticky directory that everybody can write to: with fs.protected_symlinks, only daemon can follow it"
	# The owner of the directory may have links in it, and so may who follows.
	chown -h 0 "$DIR/sticky/link"
	connect_says "unix:$DIR/sticky/link/s"
	assert_output "$DIR/closed is 0700 root:root: user nobody cannot search it"
	chown -h 65534 "$DIR/sticky/link"
	connect_says "unix:$DIR/sticky/link/s"
	assert_output "$DIR/closed is 0700 root:root: user nobody cannot search it"
	chown -h 1 "$DIR/sticky/link"
	cover 0
	connect_says "unix:$DIR/sticky/link/s"
	assert_output "$DIR/closed is 0700 root:root: user nobody cannot search it"
}
