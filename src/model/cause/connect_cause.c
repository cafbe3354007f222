#include "model/cause/connect_cause.h"

#include <stddef.h>

const struct meaning connect_causes[] = {
	[CONNECT_NOT_LISTENING] = {
		"not-listening",
		"Nothing listens on that port, on any address of this host, or of this "
		"network namespace where others could not be looked into, or of the one "
		"that has the address; or there is no such path.",
		"The server is not running, has not called listen() yet, or has "
		"another port or path.",
		"Start it, or see where it listens: 'sockctl inspect -lp --process "
		"NAME'.",
	},
	[CONNECT_OTHER_ADDRESS] = {
		"other-address",
		"It listens on another address, or on another interface, only.",
		"A listener on 127.0.0.1 takes connections to that address only, and "
		"one that is bound to an interface only those that arrive there.",
		"Connect to the address that is named, or let the server listen on "
		"every address.",
	},
	[CONNECT_OTHER_FAMILY] = {
		"other-family",
		"It listens for the other of IPv4 and IPv6 only.",
		"0.0.0.0 takes IPv4 only, [::] with IPV6_V6ONLY takes IPv6 only, and a "
		"name such as localhost may stand for either.",
		"Connect to the address that is named, or let the server listen on "
		"both.",
	},
	[CONNECT_OTHER_NAMESPACE] = {
		"other-namespace",
		"It listens in another network namespace.",
		"Each container and each network namespace has ports and a loopback "
		"interface of its own.",
		"Connect from within it, as root: 'nsenter -t PID -n sockctl connect "
		"ADDRESS'. From here use an address that leads there, or publish the "
		"port of the container.",
	},
	[CONNECT_BOUND] = {
		"bound-inactive",
		"A socket is bound there, and does not listen.",
		"The server has not called listen() yet, or the socket is that of a "
		"client or of datagrams.",
		"If it is still starting, wait for it: 'sockctl probe --wait 30s "
		"ADDRESS'.",
	},
	[CONNECT_DEAF] = {
		"deaf-listener",
		"It listens on an address that this network namespace does not have, or "
		"on an interface that is gone: nothing can reach it.",
		"The address was moved or removed, another host has it, or the interface "
		"was made again, which gives it another index.",
		"Add the address again, or let the server listen on one that is here; "
		"restart it where its interface was made again.",
	},
	[CONNECT_REJECTED] = {
		"rejected",
		"Something of this host listens there, and the connection was refused all "
		"the same; or an ICMP message that prohibits it came.",
		"The listener began after the attempt, or a firewall rule rejects the "
		"connection: on this host, or on the router that is named.",
		"Connect again; if it is still refused, 'nft list ruleset' and "
		"'iptables-save' show the rules.",
	},
	[CONNECT_REFUSED_HERE] = {
		"refused-here",
		"This host itself refuses it, though the address is another's.",
		"A rule of its NAT redirects the connection to a port where nothing "
		"listens, such as that of a proxy that is down, or a rule of its "
		"firewall rejects it with RST.",
		"Start the program that should listen on the port that is named, or "
		"remove the rule: 'nft list ruleset' and 'iptables-save' show the "
		"rules.",
	},
	[CONNECT_REFUSED_NEAR] = {
		"refused-near",
		"A packet that no router passes on is refused, too: not by the host "
		"that was asked, unless the gateway is that host.",
		"A rule of this host redirects or rejects the connection, or the "
		"gateway has the address itself or answers for it.",
		"Ask again as root: then it is seen whether the packet leaves this "
		"host. If it does, the gateway is the one to look at.",
	},
	[CONNECT_REFUSED_TRANSLATED] = {
		"refused-translated",
		"Refused with RST at another address, to which NAT of this host sends it.",
		"The address that was asked is that of a service, and a rule of this host "
		"puts in the address of a program that serves it: nothing listens there.",
		"Start the program at the address that is named, or correct the rule: "
		"'nft list ruleset' and 'iptables-save' show the rules. Of several "
		"programs behind one address, ask each by its own.",
	},
	[CONNECT_REFUSED_ICMP] = {
		"refused-icmp",
		"Refused by ICMP port or protocol unreachable, whose sender is named.",
		"A closed TCP port answers with RST; ICMP comes from a firewall that "
		"rejects the connection.",
		"See the firewall rules of the host or router that is named.",
	},
	[CONNECT_UNREACHABLE] = {
		"unreachable",
		"No way leads there: this host has none, the next hop does not answer, or "
		"a router says so.",
		"There is no route or one of the type blackhole or unreachable, the source "
		"address cannot go there, TCP has no connections to that kind of address, "
		"the address is one of this host that is tentative, a duplicate or of an "
		"interface that is down, or the host is off.",
		"'ip route get ADDRESS' shows the way, 'ip route show table all match "
		"ADDRESS' routes that forbid it, 'ip neigh' the next hop.",
	},
	[CONNECT_DENIED_LOCAL] = {
		"denied-local",
		"This host's own firewall or a prohibit route forbids it, or it is a "
		"broadcast address that the socket may not send to.",
		"A rule in OUTPUT rejects it, or the route is of the type prohibit.",
		"'nft list ruleset' and 'iptables-save' show the rules, 'ip route show "
		"table all match ADDRESS' the routes; a broadcast address needs --option "
		"broadcast.",
	},
	[CONNECT_RESET] = {
		"reset",
		"A listener of this host took the connection, and then it was reset.",
		"The program closed it with unread data, or with SO_LINGER and a time "
		"of 0; or its listener was closed with the connection in the queue, or "
		"'ss -K' or a firewall rule did it.",
		"The log of the program may say why; 'strace -f -e trace=network,close "
		"-p PID' shows what it calls.",
	},
	[CONNECT_QUEUE_FULL] = {
		"accept-queue-full",
		"No answer, for the accept queue of the listener is full: its program "
		"does not accept.",
		"The program is stopped or busy, or clients come faster than it "
		"accepts; the kernel then drops new connections.",
		"'sockctl inspect --port PORT' shows the queue and the process that "
		"should accept.",
	},
	[CONNECT_FILTERED] = {
		"filtered",
		"No answer from an address of this host, where the listener has room by "
		"now, or nothing listens.",
		"The queue was full until a moment ago, or a firewall rule of this host "
		"drops the packets, or its NAT sends them elsewhere.",
		"Connect again; if it is still silent, 'nft list ruleset' and "
		"'iptables-save' show rules that drop, 'tc filter show' and 'bpftool "
		"net' other filters.",
	},
	[CONNECT_UNHEARD] = {
		"answers-dropped",
		"It answers, and this host drops the answers.",
		"The answers arrive on another interface than the one that leads there, "
		"and the reverse path filter drops them; or a rule of this host's own "
		"firewall does. A packet socket saw them arrive, and the socket that "
		"waits did not get them.",
		"Set net.ipv4.conf.INTERFACE.rp_filter of the interface that is named to "
		"2, let the way back be the way there, or allow the answers in the "
		"firewall: 'nft list ruleset' shows its rules.",
	},
	[CONNECT_GAP] = {
		"gap-in-stream",
		"It answers, and segments of the answer wait behind one that does not "
		"arrive.",
		"The path's MTU towards this host is smaller than the peer assumes, and the "
		"ICMP messages about it are lost: small segments arrive, large ones never do. "
		"A path that loses the same segment again and again looks the same.",
		"Find the size of packets that arrives ('ping -M do -s SIZE ADDRESS'), and "
		"whether a connection with smaller segments works (-O mss=1000).",
	},
	[CONNECT_STUCK] = {
		"stuck-sender",
		"Large segments of what was sent do not arrive, though the peer has the end of "
		"the handshake, or smaller ones.",
		"The path's MTU towards the peer is smaller than this host assumes, and the "
		"ICMP messages about it are lost; or a firewall drops what carries data.",
		"Find the size of packets that arrives ('ping -M do -s SIZE ADDRESS'), and "
		"whether a connection with smaller segments works (-O mss=1000).",
	},
	[CONNECT_ELSEWHERE] = {
		"answered-elsewhere",
		"An answer came from another address or port than the one that was asked, "
		"and none from that.",
		"The socket of the server is bound to all addresses, and the kernel "
		"chooses the source by the way back; or the server answers from "
		"another socket, or NAT on the way forgets to turn the address back. A "
		"client whose socket is connected never gets such an answer.",
		"Bind the server to the address that clients ask, or let it answer "
		"from that address (IP_PKTINFO).",
	},
	[CONNECT_EXHAUSTED] = {
		"ephemeral-exhausted",
		"All local ports are in use towards this destination.",
		"Each connection to the same address and port needs a local port of "
		"its own from net.ipv4.ip_local_port_range, and keeps it for 60 s in "
		"TIME_WAIT if this side closes first.",
		"Keep connections open and reuse them; widen "
		"net.ipv4.ip_local_port_range; or take another source address.",
	},
	[CONNECT_DUPLICATE] = {
		"duplicate",
		"A connection between the same two ends exists already.",
		"A source port was asked for that another connection to the same "
		"destination has, perhaps in TIME_WAIT.",
		"Leave the source port to the kernel, choose another one, or wait for "
		"the end of the other connection.",
	},
	[CONNECT_NOT_LOCAL] = {
		"not-local",
		"The source address is of no interface here.",
		"It is an address of another host or network namespace, or is not "
		"configured yet.",
		"'ip address' shows the addresses that are here; without a source "
		"address the kernel chooses one.",
	},
	[CONNECT_LOOPBACK_DOWN] = {
		"loopback-down",
		"The address is one of this host, and the loopback interface of the "
		"network namespace, which leads there, is down.",
		"In a new network namespace it is down at first.",
		"Run 'ip link set lo up' as root in that namespace.",
	},
	[CONNECT_NO_IPV6] = {
		"ipv6-disabled",
		"IPv6 is disabled: in the kernel, for this process by a sandbox, or on "
		"the interface that leads there, with the setting that says so.",
		"The kernel was started with ipv6.disable=1, "
		"net.ipv6.conf.*.disable_ipv6 is 1, or a sandbox allows no sockets of "
		"this family.",
		"Connect over IPv4, or change the setting that is named. Static "
		"addresses other than ::1 have to be added again then.",
	},
	[CONNECT_NO_SOURCE] = {
		"no-source",
		"IPv6 is enabled, and yet no IPv6 address of this host can be the "
		"source.",
		"The interface that leads there has no address that reaches so far: "
		"none was configured, or no router announces a prefix.",
		"Connect over IPv4, or add an address; 'ip -6 address' shows those "
		"that are here.",
	},
	[CONNECT_OTHER_MOUNT] = {
		"other-mount-namespace",
		"It listens on that path in another mount namespace.",
		"A unit with PrivateTmp= has a /tmp of its own, and a container has other "
		"files than its host.",
		"From here, as root, /proc/PID/root leads to the files of the process that is "
		"named. To last: let both use a directory that they share.",
	},
	[CONNECT_OTHER_PATH] = {
		"other-path",
		"The socket was bound to that path, and its file has another one now.",
		"The file was renamed, or linked and removed.",
		"Connect to the path that is named.",
	},
	[CONNECT_DELETED] = {
		"deleted-unix",
		"It still listens on that path, but the file was deleted or replaced.",
		"A cleaner of temporary files removed it, an old instance of the server "
		"removed it when it ended, or another one took the path.",
		"Restart the process that is named: it then makes the file again.",
	},
	[CONNECT_STALE] = {
		"stale-unix",
		"The file is a socket that nobody holds.",
		"The program that made it ended without removing it.",
		"Start the server. If it finds the path taken, remove the file first.",
	},
	[CONNECT_MOUNT] = {
		"mount-point",
		"A file or directory that is mounted on the path has no listener.",
		"Containers have sockets of their host mounted, such as docker.sock. The "
		"mount stays with the old file when the server on the host makes a new one; "
		"where the server has not been started, the runtime mounts a directory.",
		"Start the server, then restart the container. Mount the directory of the "
		"socket instead of its file.",
	},
	[CONNECT_NO_SOCKET] = {
		"not-a-socket",
		"The file is no socket at all.",
		"The path is misspelled, or something else was put there. A container runtime "
		"makes a directory where what it has to mount is missing.",
		"'sockctl inspect -xlp' shows the paths that programs listen on. Remove an empty "
		"directory before the server starts.",
	},
	[CONNECT_OTHER_TYPE] = {
		"other-type",
		"The file is a socket of another type.",
		"Unix sockets are stream, datagram or seqpacket sockets, and both ends "
		"must be of the same type.",
		"Put the type that is named before the path, such as "
		"unix-dgram:/run/log.",
	},
	[CONNECT_NO_PERMISSION] = {
		"no-permission",
		"The socket file, or a directory of its path, denies it to the user.",
		"connect() needs write permission on the socket file and search "
		"permission on each directory above it. The first that denies it is "
		"named, with its mode or access control list.",
		"Let the user join the group that can, or give the right to this user "
		"(setfacl). A server that creates its socket file again also sets "
		"mode and group again.",
	},
	[CONNECT_POLICY] = {
		"policy",
		"A security policy forbids it.",
		"A BPF program of the control group, SELinux, AppArmor, Landlock or "
		"seccomp; no permission of a path and no route does.",
		"'bpftool cgroup tree' shows BPF programs. SELinux and AppArmor write "
		"denials to the audit log or the kernel's log ('journalctl -k'); the "
		"others usually leave no trace.",
	},
	[CONNECT_UNKNOWN] = {
		"unknown",
		"Whether something listens there, what holds the local ports, or what "
		"denies a path is not known: it could not be read, or not every network "
		"namespace was searched.",
		"A sandbox refuses sock_diag and hides /proc/net, or a resource ran "
		"out. For an address that is not of this network namespace, others are "
		"searched for 3 ms.",
		"Ask from outside the sandbox: 'sockctl inspect -lp --port PORT'.",
	},
	[CONNECT_CAUSES] = { NULL, NULL, NULL, NULL },
};
