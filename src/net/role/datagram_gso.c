#include "net/role/datagram_gso.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

enum {
	SEGMENT_MOST = 1200, /* what every path takes; larger ones gain nothing */
	SEGMENTS_MOST = 64,  /* UDP_MAX_SEGMENTS before Linux 6.9 */
	PACKET_MOST = 60000, /* the headers fit beside it */
	RUN_LEAST = 2,
};

static bool same_peer(const struct datagram_batch *b, int i, int j)
{
	const struct msghdr *a = &b->msg[i].msg_hdr, *c = &b->msg[j].msg_hdr;

	return a->msg_namelen == c->msg_namelen &&
	       (a->msg_name == c->msg_name ||
		memcmp(a->msg_name, c->msg_name, a->msg_namelen) == 0);
}

/* How many datagrams from the i-th on are for one peer and of one size, but for the last,
 * which may be shorter. */
static int run_at(const struct datagram_batch *b, int i)
{
	size_t len = b->iov[i].iov_len;
	int most, n = 1;

	if (!len || len > SEGMENT_MOST)
		return 1;
	most = MIN((int)SEGMENTS_MOST, (int)(PACKET_MOST / len));
	while (i + n < b->n && n < most && b->iov[i + n].iov_len == len &&
	       same_peer(b, i, i + n))
		n++;
	if (i + n < b->n && n < most && b->iov[i + n].iov_len &&
	    b->iov[i + n].iov_len < len && same_peer(b, i, i + n))
		n++;
	return n;
}

static int send_run(struct datagram_batch *b, int fd, int n)
{
	union {
		char room[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = b->msg[b->sent].msg_hdr;
	uint16_t size = (uint16_t)b->iov[b->sent].iov_len;
	struct cmsghdr *c;

	m.msg_iov = &b->iov[b->sent];
	m.msg_iovlen = (size_t)n;
	m.msg_control = control.room;
	m.msg_controllen = sizeof(control.room);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : n;
}

/* Errors that a plain datagram may not meet: an old kernel, a path with a small MTU, no
 * checksums, a device without them. */
static bool is_about_segments(int err)
{
	return err == EINVAL || err == EMSGSIZE || err == EIO || err == EOPNOTSUPP ||
	       err == ENOPROTOOPT;
}

int gso_send(struct datagram_batch *b, int fd, bool *on)
{
	int n = run_at(b, b->sent), r;

	if (n >= RUN_LEAST) {
		r = send_run(b, fd, n);
		if (r > 0 || !is_about_segments(errno))
			return r;
		*on = false;
		n = b->n - b->sent;
	} else {
		/* The loners until the next run. */
		while (b->sent + n < b->n && run_at(b, b->sent + n) < RUN_LEAST)
			n++;
	}
	return sendmmsg(fd, b->msg + b->sent, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool gro_on(int fd)
{
	int one = 1;

	return setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one)) == 0;
}

/* The size of the datagrams in a message; the last one may be shorter. 0: it is one. */
static size_t part_size(struct msghdr *m)
{
	struct cmsghdr *c;
	int size;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(size))) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			return size > 0 ? (size_t)size : 0;
		}
	return 0;
}

static size_t parts(size_t len, size_t size)
{
	return size && len > size ? (len + size - 1) / size : 1;
}

static void make_room(struct datagram_batch *b, size_t n)
{
	if (n <= b->cap)
		return;
	b->msg = xrealloc(b->msg, n * sizeof(*b->msg));
	b->iov = xrealloc(b->iov, n * sizeof(*b->iov));
	b->cap = n;
}

/* From the last message to the first, for each goes to a place at or behind its own. */
void gro_part(struct datagram_batch *b)
{
	size_t size[DATAGRAM_BATCH], total = 0, at, k;
	int i;

	for (i = 0; i < b->n; i++) {
		size[i] = part_size(&b->msg[i].msg_hdr);
		total += parts(b->iov[i].iov_len, size[i]);
	}
	make_room(b, total);
	at = total;
	for (i = b->n - 1; i >= 0; i--) {
		struct mmsghdr m = b->msg[i];
		struct iovec whole = b->iov[i];
		size_t n = parts(whole.iov_len, size[i]);

		m.msg_hdr.msg_control = NULL;
		m.msg_hdr.msg_controllen = 0;
		for (k = n; k-- > 0;) {
			size_t from = k * size[i];

			m.msg_hdr.msg_iov = &b->iov[--at];
			b->msg[at] = m;
			b->iov[at] = (struct iovec){ (char *)whole.iov_base + from,
						     k == n - 1 ? whole.iov_len - from
								: size[i] };
		}
	}
	b->n = (int)total;
}
