#include "net/scan/syn_link.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "net/scan/syn_filter.h"
#include "net/socket/dial.h"

enum {
	FRAME = 256, /* header, address, and some 170 bytes from the IP header on */
	FRAMES_LEAST = 256, /* a block */
	FRAMES_MOST = 16384,
	BLOCK = FRAME * 256,
	SNAP = 160,
	MSS_UNKNOWN = 1460,
};

/* --- opening --- */

static int denied(struct fault *f, int err, const char *what)
{
	fault(f, err, "%s", what);
	if (err == EPERM)
		fault_hint(f,
			   "half-open probes need CAP_NET_RAW: run it as root, or leave "
			   "--syn out: a connect scan needs no right");
	else if (err == EAFNOSUPPORT || err == EPROTONOSUPPORT)
		fault_hint(f, "this kernel has no packet sockets: leave --syn out");
	return -err;
}

static int value_of(int fd, int level, int optname, int otherwise)
{
	int v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, optname, &v, &len) == 0 && v > 0 ? v : otherwise;
}

/* Options of TCP are no options of a raw socket. */
static void copy_options(struct sockopt_list *raw, const struct sockopt_list *all)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].opt->level != IPPROTO_TCP) {
			struct sockopt_list one = { .v = &all->v[i], .n = 1 };

			sockopt_copy(raw, &one);
		}
}

/* The raw socket, connected: it knows our address towards the target. */
static int open_tx(struct syn_link *k, struct syn_path *p, const struct attempt_how *how,
		   bool *unroutable, struct fault *f)
{
	struct sockopt_list options = { 0 };
	struct dial_how open_how = attempt_dial_how(how);
	struct endpoint to, local;
	int one = 1, r;

	endpoint_from_addr(&to, TARGET_RAW, &p->dst);
	to.type = SOCK_RAW;
	to.protocol = IPPROTO_RAW; /* the IP header is ours; receives nothing */
	copy_options(&options, &how->options);
	open_how.options = &options;
	k->tx = dial_open(&to, &open_how, f);
	sockopt_list_free(&options);
	if (k->tx < 0)
		return f->err == EPERM ? denied(f, EPERM, "open a raw socket") : k->tx;
	/* Without it a full queue of the device would drop packets unsaid. */
	if (to.family == AF_INET)
		setsockopt(k->tx, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	else
		setsockopt(k->tx, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
	r = endpoint_connect(k->tx, &to);
	if (r == 0)
		r = endpoint_local(k->tx, &to, &local);
	if (r < 0) {
		*unroutable = true;
		return fault(f, -r, "find the way to it");
	}
	endpoint_addr(&local, &p->src);
	p->src.port = 0;
	return 0;
}

static void read_settings(const struct syn_link *k, struct syn_path *p)
{
	bool four = p->dst.family == AF_INET;
	int head = four ? 40 : 60, mtu, mss;

	p->ttl = (uint8_t)(four ? value_of(k->tx, IPPROTO_IP, IP_TTL, 64)
				: value_of(k->tx, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64));
	p->tos = (uint8_t)(four ? value_of(k->tx, IPPROTO_IP, IP_TOS, 0)
				: value_of(k->tx, IPPROTO_IPV6, IPV6_TCLASS, 0));
	mtu = four ? value_of(k->tx, IPPROTO_IP, IP_MTU, MSS_UNKNOWN + head)
		   : value_of(k->tx, IPPROTO_IPV6, IPV6_MTU, MSS_UNKNOWN + head);
	mss = MIN(MAX(mtu - head, 536), 65495);
	p->mss = (uint16_t)mss;
}

/* A port of ours that nobody else gets meanwhile. */
static int hold_port(struct syn_link *k, struct syn_path *p,
		     const struct attempt_how *how, struct fault *f)
{
	struct dial_how open_how = attempt_dial_how(how);
	struct endpoint to;
	struct addr a;
	int r;

	endpoint_from_addr(&to, TARGET_TCP, &p->dst);
	k->hold = dial_open(&to, &open_how, f);
	if (k->hold < 0)
		return k->hold;
	r = dial_choose_port(k->hold, &to, &p->src, &a);
	if (r < 0)
		return fault(f, -r, "find a port of ours");
	p->sport = a.port;
	p->mss = (uint16_t)MIN(value_of(k->hold, IPPROTO_TCP, TCP_MAXSEG, p->mss),
			       (int)p->mss);
	return 0;
}

static int map_ring(struct syn_link *k)
{
	struct tpacket_req ring = { .tp_block_size = BLOCK,
				    .tp_block_nr = k->frames / FRAMES_LEAST,
				    .tp_frame_size = FRAME,
				    .tp_frame_nr = k->frames };
	void *at;

	if (setsockopt(k->w.fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) != 0)
		return -errno;
	at = mmap(NULL, (size_t)k->frames * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED,
		  k->w.fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	k->ring = at;
	return 0;
}

/* Deaf until the filter is in place: no other packet is ever in the ring. */
static int open_rx(struct syn_link *k, const struct syn_path *p, struct fault *f)
{
	/* Those of one protocol see no packet leave. */
	struct sockaddr_ll every = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_ALL) };
	int version = TPACKET_V2, r;

	k->w.fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->w.fd < 0)
		return denied(f, errno, "open a packet socket");
	r = syn_filter_attach(k->w.fd, p, false, SNAP);
	if (r < 0)
		return fault(f, -r, "attach the filter of answers");
	if (setsockopt(k->w.fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) !=
	    0)
		return fault(f, errno, "choose the form of the ring");
	r = map_ring(k);
	if (r < 0)
		return fault(f, -r, "make a ring for the answers");
	if (bind(k->w.fd, (const struct sockaddr *)&every, sizeof(every)) != 0)
		return fault(f, errno, "listen to the answers");
	return 0;
}

int syn_link_open(struct syn_link *k, struct syn_path *p, const struct endpoint *to,
		  const struct attempt_how *how, size_t ports, bool *unroutable,
		  struct fault *f)
{
	int r;

	*k = (struct syn_link){ .tx = -1, .hold = -1, .w = { .fd = -1 } };
	k->frames = ports < FRAMES_LEAST / 2 ? FRAMES_LEAST : FRAMES_MOST;
	*unroutable = false;
	/* The filter of the answers knows it. */
	if (getrandom(&p->secret, sizeof(p->secret), 0) < 0)
		return fault(f, errno, "draw a secret");
	endpoint_addr(to, &p->dst);
	p->dst = addr_unmapped(&p->dst);
	p->dst.port = 0;
	r = open_tx(k, p, how, unroutable, f);
	if (r < 0)
		return r;
	read_settings(k, p);
	r = hold_port(k, p, how, f);
	return r < 0 ? r : open_rx(k, p, f);
}

void syn_link_close(struct syn_link *k, struct loop *l)
{
	if (k->ring)
		munmap(k->ring, (size_t)k->frames * FRAME);
	k->ring = NULL;
	if (k->w.fd >= 0)
		watch_close(l, &k->w);
	close_fd(take_fd(&k->tx));
	close_fd(take_fd(&k->hold));
}

/* --- packets --- */

int syn_link_send(struct syn_link *k, uint8_t *packets, size_t stride, size_t len,
		  unsigned n)
{
	struct mmsghdr m[SYN_BATCH];
	struct iovec parts[SYN_BATCH];
	unsigned i;
	int sent;

	for (i = 0; i < n; i++) {
		parts[i] = (struct iovec){ packets + i * stride, len };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &parts[i],
						      .msg_iovlen = 1 } };
	}
	do
		sent = sendmmsg(k->tx, m, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

bool syn_link_watch_own(struct syn_link *k, bool on)
{
	int ignored = !on;

	return setsockopt(k->w.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignored,
			  sizeof(ignored)) == 0;
}

bool syn_link_watch_all(struct syn_link *k, const struct syn_path *p)
{
	/* A kernel that cannot leave them out has never done so. */
	syn_link_watch_own(k, true);
	return syn_filter_attach(k->w.fd, p, true, SNAP) == 0;
}

void syn_link_look(struct syn_link *k)
{
	k->mono_ago_ns = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
}

static struct tpacket2_hdr *frame(const struct syn_link *k)
{
	return (struct tpacket2_hdr *)(void *)(k->ring + k->at * FRAME);
}

bool syn_link_next(struct syn_link *k, struct syn_seen *s)
{
	const struct tpacket2_hdr *h = frame(k);
	const struct sockaddr_ll *from;
	uint64_t real_ns;

	if (!k->ring ||
	    !(__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	real_ns = (uint64_t)h->tp_sec * 1000000000 + h->tp_nsec;
	from = (const void *)((const uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));
	s->at_us = (real_ns - k->mono_ago_ns) / 1000;
	s->data = (const uint8_t *)h + h->tp_net;
	s->len = h->tp_net < FRAME ? MIN((size_t)h->tp_snaplen, (size_t)FRAME - h->tp_net)
				   : 0;
	s->leaves = from->sll_pkttype == PACKET_OUTGOING;
	s->lo = from->sll_hatype == ARPHRD_LOOPBACK;
	return true;
}

void syn_link_done(struct syn_link *k)
{
	__atomic_store_n(&frame(k)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	k->at = (k->at + 1) % k->frames;
}

unsigned syn_link_dropped(struct syn_link *k)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (getsockopt(k->w.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) != 0)
		return 0;
	k->missed |= stats.tp_drops > 0;
	return stats.tp_drops;
}
