#include "model/cause/bind_cause.h"

#include <stddef.h>

const struct meaning bind_causes[] = {
	[CAUSE_LISTENER] = {
		"listener",
		"Another socket listens there, with options or an address that exclude "
		"this one.",
		"The server runs already, or another one has the port. A wildcard "
		"address holds every address, and [::] without IPV6_V6ONLY those of "
		"IPv4, too.",
		"Stop the process that is named, or choose another port.",
	},
	[CAUSE_REUSEPORT] = {
		"reuseport-mismatch",
		"SO_REUSEPORT on one side only, or of different users; root is no "
		"exception.",
		"Sockets share a port with SO_REUSEPORT only if each of them has set "
		"it before bind(), and all are of one user.",
		"Set it in both programs and run them as one user, or stop the process "
		"that is named.",
	},
	[CAUSE_CHILDREN] = {
		"children",
		"Connections of a listener that is gone are still held by its program.",
		"The program closed its listener and not what it had accepted, or a "
		"child process that inherited a connection outlived the server.",
		"Stop the process that is named. SO_REUSEADDR on the new socket helps "
		"if the old listener had it set, too.",
	},
	[CAUSE_REMNANT] = {
		"remnant",
		"Ownerless connections (TIME_WAIT, FIN_WAIT1, FIN_WAIT2, LAST_ACK) "
		"hold the port, with the time that is left.",
		"The side that closes first keeps its port for 60 s in TIME_WAIT. The "
		"other states last until the peer answers or the kernel gives up.",
		"Let the server set SO_REUSEADDR before bind(), as servers usually do; "
		"if the old one had not set it, wait.",
	},
	[CAUSE_BOUND] = {
		"bound-inactive",
		"A socket is bound there, and neither listens nor is connected.",
		"Its program called bind(), and has not called listen() or connect() "
		"yet.",
		"Stop the process that is named, or choose another port. SO_REUSEADDR "
		"on both sockets lets both be bound.",
	},
	[CAUSE_OUTGOING] = {
		"outgoing",
		"A connection drew the port as its own from the ephemeral range.",
		"connect() takes local ports from net.ipv4.ip_local_port_range, and "
		"the port of the server is within it.",
		"Wait for the end of the connection, or stop its process; then put the "
		"port into net.ipv4.ip_local_reserved_ports, so that it is not drawn "
		"again.",
	},
	[CAUSE_KERNEL] = {
		"kernel-socket",
		"The kernel itself holds it.",
		"A tunnel (vxlan, wireguard), nfsd or the like opened the socket; no "
		"process has a descriptor of it.",
		"'ip -d link' shows tunnels and 'rpcinfo -p' services: remove the one "
		"that has the port, or choose another port.",
	},
	[CAUSE_NO_DESCRIPTOR] = {
		"no-descriptor",
		"A socket holds it, and no process that could be read has a descriptor "
		"of it.",
		"It is in a message that nobody has received yet, or registered with "
		"an io_uring whose program has closed the descriptor; a service of the "
		"kernel holds it; or a sandbox or a security module hides its process.",
		"Stop the program that may have it, as far as one is named, or choose "
		"another port.",
	},
	[CAUSE_EXHAUSTED] = {
		"ephemeral-exhausted",
		"Port 0, and no port of the range is left.",
		"The kernel chooses from net.ipv4.ip_local_port_range without the "
		"reserved ports, and other sockets hold all of these.",
		"Widen net.ipv4.ip_local_port_range, or name a port outside of it.",
	},
	[CAUSE_PRIVILEGED] = {
		"privileged-port",
		"A port below net.ipv4.ip_unprivileged_port_start, and the user may "
		"not.",
		"Such ports, those below 1024 by default, need CAP_NET_BIND_SERVICE in "
		"the user namespace that owns the network namespace.",
		"Give it to the program (setcap cap_net_bind_service=ep PROGRAM) or to "
		"its unit (AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose a "
		"higher port.",
	},
	[CAUSE_NOT_LOCAL] = {
		"not-local",
		"No interface has the address, or it is IPv6 and not usable: tentative, "
		"or a duplicate.",
		"It is an address of another host or network namespace, or is not "
		"configured yet. IPv6 looks for duplicates of a new address for a "
		"second or two; on an interface that is down or without carrier it "
		"cannot, and where another host has the address it is never used.",
		"'ip address' shows the addresses that are here. IP_FREEBIND or "
		"IPV6_FREEBIND lets a server bind one that comes later; one that stays "
		"a duplicate is never reached.",
	},
	[CAUSE_LOOPBACK_DOWN] = {
		"loopback-down",
		"The loopback interface of the network namespace is down, and has the "
		"address only once it is up.",
		"In a new network namespace it is down at first.",
		"Run 'ip link set lo up' as root in that namespace.",
	},
	[CAUSE_IPV6_OFF] = {
		"ipv6-disabled",
		"IPv6 is disabled: in the kernel, for this process by a sandbox, or on "
		"the interface that would have the address, with the setting that says "
		"so.",
		"The kernel was started with ipv6.disable=1, "
		"net.ipv6.conf.*.disable_ipv6 is 1, or a sandbox allows no sockets of "
		"this family.",
		"Listen on an IPv4 address, or change the setting that is named. Static "
		"addresses other than ::1 have to be added again then.",
	},
	[CAUSE_NO_SCOPE] = {
		"no-scope",
		"A link-local address without its interface.",
		"Each interface has link-local addresses (fe80::) of its own, so that "
		"the address alone does not say which is meant.",
		"Write it as [fe80::1%eth0]:80.",
	},
	[CAUSE_STALE] = {
		"stale-unix",
		"The file is there, and no socket listens on it any more.",
		"Its program ended without removing it, and bind() never replaces a "
		"file.",
		"Remove the file, and let the server remove it before bind().",
	},
	[CAUSE_LIVE] = {
		"live-unix",
		"The file is there, and a socket has it.",
		"The server runs already, or another one has the path.",
		"Stop the process that is named, or choose another path.",
	},
	[CAUSE_MOUNT] = {
		"mount-point",
		"Something is mounted on the path, and no socket listens there.",
		"A container has the file, or its directory, mounted from its host. bind() "
		"never replaces a file, and rm fails with EBUSY.",
		"Choose another path, or start the container without that mount. Mount the "
		"directory of the socket instead of its file.",
	},
	[CAUSE_NO_SOCKET] = {
		"not-a-socket",
		"Another kind of file is there.",
		"A file, a directory or a symbolic link has the path. bind() makes the "
		"file of a socket itself and never replaces one.",
		"Choose another path, or remove what is there if nobody needs it.",
	},
	[CAUSE_ABSTRACT] = {
		"abstract-taken",
		"The abstract name is in use.",
		"The server runs already, or another one has the name. All users of a "
		"network namespace share its abstract names.",
		"Stop the process that is named, or choose another name.",
	},
	[CAUSE_NO_DIRECTORY] = {
		"no-directory",
		"The directory is missing.",
		"bind() makes the file, not its directory. What is in /run is gone "
		"after a reboot.",
		"Make the directory. For a systemd unit, RuntimeDirectory= makes one "
		"below /run.",
	},
	[CAUSE_NO_PERMISSION] = {
		"no-permission",
		"A directory of the path denies it to the user, or nobody can write to "
		"it.",
		"bind() needs search permission on each directory of the path, and "
		"write permission on the last one. The first that denies it is named, "
		"with its mode, access control list or mount.",
		"Let the user join the group that can, give the right to this user "
		"(setfacl), or choose another path.",
	},
	[CAUSE_POLICY] = {
		"policy",
		"A security policy forbids it.",
		"A BPF program of the control group, SELinux, AppArmor, Landlock or "
		"seccomp; no permission and no setting of the network does.",
		"'bpftool cgroup tree' shows BPF programs. SELinux and AppArmor write "
		"denials to the audit log or the kernel's log ('journalctl -k'); the "
		"others usually leave no trace.",
	},
	[CAUSE_UNKNOWN] = {
		"unknown",
		"A trial bind failed and no cause was found, or what decides cannot be "
		"seen.",
		"A table could not be read, Linux before 6.8 does not list sockets "
		"that are only bound, or a path may be held in another network "
		"namespace.",
		"Ask again as root, and for TCP with --try, which binds the address "
		"for an instant.",
	},
	[CAUSES] = { NULL, NULL, NULL, NULL },
};
