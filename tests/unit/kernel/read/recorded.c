/* What a record says beside its sockets: any bytes, and what comes back of them. */
#include "kernel/read/recorded.h"

#include <linux/netlink.h>

#include "base/buf.h"
#include "kernel/read/record_private.h"
#include "unit/unit.h"

/* A message in the making; its attributes follow. */
static void begin(struct buf *b, uint16_t type, uint8_t kind, uint8_t version)
{
	struct record_head head = { .h = { .nlmsg_type = type },
				    .magic = RECORD_MAGIC,
				    .kind = kind,
				    .version = version };

	buf_reset(b);
	buf_put(b, &head, sizeof(head));
}

static void attribute(struct buf *b, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + len) };

	buf_put(b, &a, sizeof(a));
	buf_put(b, data, len);
	buf_pad(b, '\0', NLA_ALIGN(a.nla_len) - a.nla_len);
}

static void number(struct buf *b, uint16_t type, uint32_t v)
{
	attribute(b, type, &v, sizeof(v));
}

struct made {
	struct recorded recorded;
	struct owners owners;
};

static void unmake(struct made *m)
{
	recorded_free(&m->recorded);
	owners_free(&m->owners);
}

/* In memory of its own length, so that a sanitizer sees what reads beyond it. */
static void take(struct made *m, const struct buf *b, size_t len)
{
	struct nlmsghdr *h = xmalloc(len);

	memcpy(h, b->data, len);
	h->nlmsg_len = (uint32_t)len;
	recorded_take(&m->recorded, &m->owners, h);
	free(h);
}

static void put_process(struct buf *b, int pid, const char *command, uint32_t inode,
			int fd)
{
	uint32_t fds[] = { inode, (uint32_t)fd };

	begin(b, NLMSG_NOOP, RECORD_PROCESS, RECORD_VERSION);
	number(b, PROCESS_PID, (uint32_t)pid);
	attribute(b, PROCESS_COMMAND, command, strlen(command));
	attribute(b, PROCESS_FDS, fds, sizeof(fds));
}

static void names_processes(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct made m = { 0 };
	const struct holder *h;

	put_process(&b, 12, "nginx", 700, 3);
	take(&m, &b, b.len);
	put_process(&b, 12, "nginx", 701, 4);
	take(&m, &b, b.len);
	put_process(&b, 9, "a name that is longer than the kernel's", 700, 5);
	take(&m, &b, b.len);
	CHECK_INT(m.owners.n_processes, 2);
	h = owners_find(&m.owners, 700);
	CHECK(h && h->pid == 9 && h->fd == 5 && strlen(h->command) == 15);
	CHECK(h && h->next && h->next->pid == 12 && streq(h->next->command, "nginx"));
	h = owners_find(&m.owners, 701);
	CHECK(h && h->pid == 12 && h->fd == 4 && !h->next);
	CHECK(!owners_find(&m.owners, 702));
	unmake(&m);
}

static void says_what_was_hidden(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct made m = { 0 };
	struct holder h;
	size_t i = 0;

	CHECK(!m.recorded.has_owners);
	begin(&b, NLMSG_NOOP, RECORD_OWNERS, RECORD_VERSION);
	attribute(&b, OWNERS_UNSEEN, "hidepid", 7);
	attribute(&b, OWNERS_WHY, "hidepid=2\33 on /proc", 19);
	take(&m, &b, b.len);
	CHECK(m.recorded.has_owners);
	CHECK_INT(owners_why_nobody(&m.owners), OWNER_HIDEPID);
	CHECK(streq(m.owners.unseen_why, "hidepid=2\\x1b on /proc"));
	begin(&b, NLMSG_NOOP, RECORD_OWNERS, RECORD_VERSION);
	attribute(&b, OWNERS_UNSEEN, "of the future", 13);
	take(&m, &b, b.len);
	CHECK_INT(owners_why_nobody(&m.owners), OWNER_NOT_READ);
	/* Without a name it is not looked up here. */
	begin(&b, NLMSG_NOOP, RECORD_PROCESS, RECORD_VERSION);
	number(&b, PROCESS_PID, 1);
	number(&b, PROCESS_ERR, 13);
	number(&b, PROCESS_NAME_ERR, 13);
	take(&m, &b, b.len);
	CHECK(owners_unreadable(&m.owners, &i, &h) && h.pid == 1 && h.unnamed &&
	      streq(h.command, "?"));
	CHECK_INT(m.owners.unreadable, 1);
	unmake(&m);
}

static void names_by_number(void)
{
	static const uint64_t big = 1ull << 40;
	_cleanup_buf_ struct buf b = { 0 };
	struct made m = { 0 };
	const struct recorded_name *name;

	begin(&b, NLMSG_NOOP, RECORD_CGROUP, RECORD_VERSION);
	attribute(&b, NAME_ID, &big, sizeof(big));
	attribute(&b, NAME_TEXT, "/a.slice\0more", 13);
	take(&m, &b, b.len);
	begin(&b, NLMSG_NOOP, RECORD_USER, RECORD_VERSION);
	number(&b, NAME_ID, 7);
	take(&m, &b, b.len);
	name = recorded_name(&m.recorded.cgroups, big);
	CHECK(name && streq(name->text, "/a.slice"));
	CHECK(!recorded_name(&m.recorded.cgroups, 0));
	/* It has no name, and that is known. */
	name = recorded_name(&m.recorded.users, 7);
	CHECK(name && !name->text);
	CHECK(!recorded_name(&m.recorded.users, 8));
	CHECK(!m.recorded.broken);
	begin(&b, NLMSG_NOOP, RECORD_DEVICE, RECORD_VERSION);
	attribute(&b, NAME_TEXT, "eth0", 4);
	take(&m, &b, b.len);
	CHECK(m.recorded.broken);
	unmake(&m);
}

/* Cut at any length, and with any kind, nothing is read beyond the message. */
static void bounds(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct made m = { 0 };
	unsigned kind;
	size_t len;

	for (kind = 0; kind < 256; kind++) {
		put_process(&b, 12, "nginx", 700, 3);
		b.data[offsetof(struct record_head, kind)] = (char)kind;
		for (len = sizeof(struct nlmsghdr); len <= b.len; len++)
			take(&m, &b, len);
	}
	begin(&b, NLMSG_DONE, 0, 0);
	for (len = sizeof(struct nlmsghdr); len <= b.len; len++)
		take(&m, &b, len);
	CHECK(m.recorded.ended);
	unmake(&m);
}

static void knows_its_own(void)
{
	struct record_done done = { .h = { .nlmsg_len = sizeof(done),
					   .nlmsg_type = NLMSG_DONE },
				    .magic = RECORD_MAGIC };
	_cleanup_buf_ struct buf b = { 0 };
	struct made m = { 0 };

	buf_put(&b, &done, sizeof(done));
	take(&m, &b, b.len - 1);
	CHECK(!m.recorded.is_ours);
	take(&m, &b, b.len);
	CHECK(m.recorded.is_ours && !m.recorded.ended);
	begin(&b, NLMSG_NOOP, RECORD_META, RECORD_VERSION + 1);
	attribute(&b, META_HOST, "there", 5);
	take(&m, &b, b.len);
	CHECK(m.recorded.meta.newer && streq(m.recorded.meta.origin.host, "there"));
	begin(&b, NLMSG_NOOP, RECORD_END, RECORD_VERSION);
	b.data[offsetof(struct record_head, magic)] = 'S';
	take(&m, &b, b.len);
	CHECK(!m.recorded.ended);
	begin(&b, NLMSG_NOOP, RECORD_END, RECORD_VERSION);
	take(&m, &b, b.len);
	CHECK(m.recorded.ended);
	unmake(&m);
}

int main(void)
{
	RUN(names_processes, "processes come back with their descriptors");
	RUN(says_what_was_hidden, "what was hidden stays hidden, for the reason of then");
	RUN(names_by_number, "names are found by number, and lacking ones are known");
	RUN(bounds, "a message that is cut short is read as far as it goes");
	RUN(knows_its_own, "a record is known by its marks");
	return unit_done();
}
