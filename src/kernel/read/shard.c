#include "kernel/read/shard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/sockstat.h"

enum {
	WORTH_IT = 5000, /* sockets; below, the threads cost more than they save */
	SAMPLE = 512,	 /* rows that are looked at for the cut */
	PACKETS = 8,	 /* received and not yet read, of each shard */
};

/* ---- where to cut ---- */

/* Ports on one side of the sampled rows. */
struct sample {
	uint16_t ports[2][SAMPLE]; /* local, peer */
	size_t n;
	nl_message_fn *fn; /* where the rows go on to */
	void *ctx;
};

struct cut {
	bool peer;		      /* by the peer's port, not the local one */
	uint16_t lowest[SHARDS_MOST]; /* of each shard; the first is 0 */
	unsigned n;
};

static int sample_row(const struct nlmsghdr *h, void *ctx)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct sample *sample = ctx;

	if (sample->n < SAMPLE && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*m))) {
		sample->ports[0][sample->n] = ntohs(m->id.idiag_sport);
		sample->ports[1][sample->n++] = ntohs(m->id.idiag_dport);
	}
	return sample->fn(h, sample->ctx);
}

static int by_number(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Cuts at the quantiles of n ports. Returns the rows in the largest part. */
static size_t cut_at(uint16_t *ports, size_t n, unsigned parts, struct cut *cut)
{
	size_t largest = 0, from = 0, i;
	unsigned part;

	qsort(ports, n, sizeof(*ports), by_number);
	cut->lowest[0] = 0;
	cut->n = 1;
	for (part = 1; part <= parts; part++) {
		size_t at = n * part / parts;

		/* Rows of one port stay together: on the side that is nearer. */
		for (i = at; i < n && i > 0 && ports[i] == ports[i - 1]; i++)
			;
		while (at > 0 && at < n && ports[at] == ports[at - 1])
			at--;
		if (i - n * part / parts < n * part / parts - at)
			at = i;
		if (at <= from)
			continue;
		largest = MAX(largest, at - from);
		if (at < n)
			cut->lowest[cut->n++] = ports[at];
		from = at;
	}
	return largest;
}

/* False if no cut leaves every part clearly less than the whole. */
static bool find_cut(struct sample *sample, unsigned parts, struct cut *cut)
{
	struct cut by_peer = { .peer = true };
	size_t local = cut_at(sample->ports[0], sample->n, parts, cut);
	size_t peer = cut_at(sample->ports[1], sample->n, parts, &by_peer);

	cut->peer = false;
	if (peer < local)
		*cut = by_peer;
	return cut->n > 1 && MIN(local, peer) * 4 <= sample->n * 3;
}

/* The operations "port >= lowest" and "port <= highest", as the kernel's are laid out: a
 * comparison, and a second one that only carries the number in its `no`. */
static size_t range_program(struct inet_diag_bc_op *op, const struct cut *cut,
			    unsigned shard)
{
	bool first = shard == 0, last = shard + 1 == cut->n;
	size_t n = first || last ? 2 : 4, i = 0;
	const size_t len = n * sizeof(*op);

	if (!first) {
		op[i] = (struct inet_diag_bc_op){
			.code = cut->peer ? INET_DIAG_BC_D_GE : INET_DIAG_BC_S_GE,
			.yes = 2 * sizeof(*op),
			.no = (unsigned short)(len + 4), /* beyond the end: drop */
		};
		op[i + 1] = (struct inet_diag_bc_op){ .no = cut->lowest[shard] };
		i += 2;
	}
	if (!last) {
		op[i] = (struct inet_diag_bc_op){
			.code = cut->peer ? INET_DIAG_BC_D_LE : INET_DIAG_BC_S_LE,
			.yes = 2 * sizeof(*op),
			.no = (unsigned short)(len - i * sizeof(*op) + 4),
		};
		op[i + 1] = (struct inet_diag_bc_op){
			.no = (unsigned short)(cut->lowest[shard + 1] - 1)
		};
	}
	return len;
}

/* ---- threads that receive ---- */

struct packet {
	ssize_t len; /* or -errno, then it is the last */
	_Alignas(8) char data[NL_BUFFER];
};

struct shards;

/* A ring of packets: the thread fills it, the reader empties it. */
struct shard {
	struct shards *all;
	struct nl nl;
	struct nl_answer answer; /* of the reader */
	pthread_t thread;
	bool running;
	struct packet *packets;
	size_t filled, read; /* so far; under the lock */
};

struct shards {
	struct shard v[SHARDS_MOST];
	unsigned n;
	pthread_mutex_t lock;
	/* Half a ring was filled, or the last packet; half a full ring was read. Each
	 * wakes a thread, so not every packet does. */
	pthread_cond_t filled, emptied;
	bool stop;
};

/* Whether the answer ends in this packet; the reader checks it in earnest. */
static bool is_last(const struct packet *packet)
{
	const char *p = packet->data, *end = p + packet->len;

	while (end - p >= (ptrdiff_t)sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)p;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > end - p ||
		    h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return true;
		p += MIN((ptrdiff_t)NLMSG_ALIGN(h->nlmsg_len), end - p);
	}
	return packet->len < 0;
}

static void *receive(void *arg)
{
	struct shard *shard = arg;
	struct shards *all = shard->all;
	bool last = false;

	while (!last) {
		struct packet *packet = &shard->packets[shard->filled % PACKETS];

		packet->len = nl_receive(&shard->nl, packet->data);
		last = is_last(packet);
		pthread_mutex_lock(&all->lock);
		shard->filled++;
		if (last || shard->filled - shard->read >= PACKETS / 2)
			pthread_cond_signal(&all->filled);
		while (shard->filled - shard->read == PACKETS && !all->stop)
			pthread_cond_wait(&all->emptied, &all->lock);
		last |= all->stop;
		pthread_mutex_unlock(&all->lock);
	}
	return NULL;
}

/* The next packet of any shard that is not done; waits for one. */
static struct shard *next_packet(struct shards *all, unsigned *turn)
{
	struct shard *found = NULL;
	bool left = true;
	unsigned i;

	pthread_mutex_lock(&all->lock);
	while (!found && left) {
		left = false;
		for (i = 0; i < all->n && !found; i++) {
			struct shard *shard = &all->v[(*turn + i) % all->n];

			if (shard->answer.done)
				continue;
			left = true;
			if (shard->filled > shard->read)
				found = shard;
		}
		if (!found && left)
			pthread_cond_wait(&all->filled, &all->lock);
	}
	pthread_mutex_unlock(&all->lock);
	++*turn;
	return found;
}

static void packet_is_read(struct shard *shard)
{
	struct shards *all = shard->all;

	pthread_mutex_lock(&all->lock);
	if (shard->filled - ++shard->read == PACKETS / 2)
		pthread_cond_broadcast(&all->emptied);
	pthread_mutex_unlock(&all->lock);
}

/* All messages of all shards, in the order in which their packets come. */
static int read_all(struct shards *all)
{
	struct shard *shard;
	unsigned turn = 0;
	int error = 0;

	while ((shard = next_packet(all, &turn))) {
		const struct packet *packet = &shard->packets[shard->read % PACKETS];
		int r;

		if (packet->len < 0) {
			shard->answer.done = true;
			shard->answer.error = (int)packet->len;
		} else {
			r = nl_walk(&shard->answer, packet->data, (size_t)packet->len);
			if (r < 0)
				return r;
		}
		if (shard->answer.done && !error)
			error = shard->answer.error;
		packet_is_read(shard);
	}
	return error;
}

static int start(struct shard *shard, const struct inet_query *whole,
		 const struct cut *cut, unsigned i)
{
	struct inet_diag_bc_op program[4];
	struct inet_query q = *whole;
	int r = nl_open(&shard->nl, NULL);

	if (r < 0)
		return r;
	q.bytecode.data = program;
	q.bytecode.len = (uint32_t)range_program(program, cut, i);
	shard->packets = xcalloc(PACKETS, sizeof(*shard->packets));
	r = inet_send(&shard->nl, &q);
	if (r < 0)
		return r;
	shard->answer.seq = shard->nl.seq;
	r = -pthread_create(&shard->thread, NULL, receive, shard);
	shard->running = r == 0;
	return r;
}

static void stop(struct shards *all)
{
	unsigned i;

	pthread_mutex_lock(&all->lock);
	all->stop = true;
	pthread_cond_broadcast(&all->emptied);
	pthread_mutex_unlock(&all->lock);
	for (i = 0; i < all->n; i++) {
		if (all->v[i].running)
			pthread_join(all->v[i].thread, NULL);
		nl_close(&all->v[i].nl);
		free(all->v[i].packets);
	}
}

/* nl is abandoned when all of them have begun. Else, without a descriptor or a thread
 * more, no row was given. */
static int dump_shards(struct nl *nl, const struct inet_query *q, const struct cut *cut,
		       nl_message_fn *fn, void *ctx)
{
	struct shards all = { .n = cut->n,
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .filled = PTHREAD_COND_INITIALIZER,
			      .emptied = PTHREAD_COND_INITIALIZER };
	unsigned i;
	int r = 0;

	for (i = 0; i < all.n && r == 0; i++) {
		all.v[i].all = &all;
		all.v[i].answer = (struct nl_answer){ .fn = fn, .ctx = ctx };
		r = start(&all.v[i], q, cut, i);
	}
	if (r == 0) {
		nl->abandoned = true;
		r = read_all(&all);
	}
	stop(&all);
	for (i = 0; i < all.n; i++)
		nl->interrupted |= all.v[i].answer.interrupted;
	return r;
}

int shard_dump(struct nl *nl, const struct inet_query *q, unsigned n, nl_message_fn *fn,
	       void *ctx)
{
	struct sample sample = { .fn = fn, .ctx = ctx };
	struct nl_answer a = { .fn = sample_row, .ctx = &sample };
	struct cut cut = { 0 };
	int r = inet_send(nl, q);

	a.seq = nl->seq;
	if (r == 0)
		r = nl_go_on(nl, &a, 1);
	if (r < 0 || a.done)
		return r;
	if (!find_cut(&sample, MIN(n, (unsigned)SHARDS_MOST), &cut))
		return nl_go_on(nl, &a, NL_ALL_PACKETS);
	r = dump_shards(nl, q, &cut, fn, ctx);
	/* The one dump stands where it stood. */
	return nl->abandoned ? r : nl_go_on(nl, &a, NL_ALL_PACKETS);
}

/* ---- whether ---- */

unsigned shard_count(unsigned threads)
{
	unsigned n = threads ? threads : processors();
	uint64_t sockets;

	if (n < 2 || threads)
		return MAX(n, 1u);
	return sockstat_tcp(&sockets) && sockets >= WORTH_IT ? n : 1;
}
