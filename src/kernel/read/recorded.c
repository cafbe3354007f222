#include "kernel/read/recorded.h"

#include <stdlib.h>

#include "base/buf.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/proc/owners_kept.h"
#include "kernel/read/record_private.h"
#include "model/attr.h"

/* Of a shorter one what there is. */
static uint64_t number_of(const struct nl_attr *a)
{
	uint64_t v = 0;
	uint32_t narrow;

	if (a->len >= sizeof(v)) {
		memcpy(&v, a->data, sizeof(v));
		return v;
	}
	if (a->len >= sizeof(narrow)) {
		memcpy(&narrow, a->data, sizeof(narrow));
		return narrow;
	}
	return a->len ? *(const uint8_t *)a->data : 0;
}

static const char *text_of(struct recorded *r, const struct nl_attr *a)
{
	return arena_strndup(&r->arena, a->data, strnlen(a->data, a->len));
}

/* The attributes of a message of ours, one after the other. */
struct reading {
	const char *p, *end;
};

static struct reading attributes(const struct nlmsghdr *h)
{
	const char *p = (const char *)h;

	return (struct reading){ p + sizeof(struct record_head), p + h->nlmsg_len };
}

static void take_meta(struct recorded *r, const struct nlmsghdr *h)
{
	struct recorded_meta *m = &r->meta;
	struct origin *o = &m->origin;
	const char **const texts[] = {
		[META_PROGRAM] = &o->program, [META_HOST] = &o->host,
		[META_BOOT_ID] = &o->boot_id, [META_KERNEL] = &o->kernel,
		[META_MACHINE] = &o->machine,
	};
	struct reading at = attributes(h);
	struct nl_attr a;

	o->known = true;
	while (nl_attr_next(&at.p, at.end, &a)) {
		if (a.type < ARRAY_SIZE(texts) && texts[a.type])
			*texts[a.type] = text_of(r, &a);
		else if (a.type == META_TIME)
			o->time_us = number_of(&a);
		else if (a.type == META_NETNS)
			o->netns = number_of(&a);
		else if (a.type == META_UID)
			o->uid = (uint32_t)number_of(&a);
		else if (a.type == META_PROTOS)
			m->protos = (uint32_t)number_of(&a);
		else if (a.type == META_LISTS_BOUND)
			m->lists_bound = number_of(&a) != 0;
	}
}

static void take_owners(struct recorded *r, struct owners *o, const struct nlmsghdr *h)
{
	struct reading at = attributes(h);
	struct nl_attr a;

	r->has_owners = true;
	o->unseen = OWNER_NOT_ASKED;
	while (nl_attr_next(&at.p, at.end, &a)) {
		if (a.type == OWNERS_UNSEEN)
			o->unseen = owner_status_of(a.data, a.len);
		else if (a.type == OWNERS_WHY)
			escape_text(o->unseen_why, sizeof(o->unseen_why), a.data,
				    strnlen(a.data, a.len));
		else if (a.type == OWNERS_FAILED)
			o->failed = (int)(number_of(&a) & INT32_MAX);
		else if (a.type == OWNERS_N_FAILED)
			o->n_failed = (size_t)number_of(&a);
		else if (a.type == OWNERS_CGROUPS_DENIED)
			r->cgroups_denied = (int)(number_of(&a) & INT32_MAX);
	}
}

static void take_process(struct recorded *r, struct owners *o, const struct nlmsghdr *h)
{
	struct reading at = attributes(h);
	_cleanup_free_ struct kept_descriptor *fds = NULL;
	struct kept_process p = { .command = "" };
	char command[32] = "";
	struct nl_attr a;

	while (nl_attr_next(&at.p, at.end, &a)) {
		if (a.type == PROCESS_PID) {
			p.pid = (int32_t)(number_of(&a) & INT32_MAX);
		} else if (a.type == PROCESS_COMMAND) {
			memcpy(command, a.data, MIN(a.len, sizeof(command) - 1));
			p.command = command;
		} else if (a.type == PROCESS_ERR) {
			p.err = (int)(number_of(&a) & INT32_MAX);
		} else if (a.type == PROCESS_NAME_ERR) {
			p.name_err = (int)(number_of(&a) & INT32_MAX);
		} else if (a.type == PROCESS_FDS && !fds) {
			p.n_fds = a.len / sizeof(*fds);
			fds = xcalloc(p.n_fds + 1, sizeof(*fds));
			memcpy(fds, a.data, p.n_fds * sizeof(*fds));
			p.fds = fds;
		}
	}
	if (p.pid)
		owners_add(o, &p);
	else
		r->broken = true;
}

static void add_name(struct recorded *r, struct recorded_names *names, uint64_t id,
		     const struct nl_attr *text)
{
	struct recorded_name name = { .id = id };

	if (recorded_name(names, id))
		return;
	if (text->len) {
		name.text = arena_strndup(&r->arena, text->data, text->len);
		name.len = text->len;
	}
	names->v = array_grow(names->v, names->n, &names->cap, sizeof(*names->v));
	hash_index_add(&names->index, hash_u64(&names->index, id), names->n);
	names->v[names->n++] = name;
}

/* A number and what belongs to it: the first two attributes of several kinds. */
static void take_name(struct recorded *r, struct recorded_names *names,
		      const struct nlmsghdr *h)
{
	struct reading at = attributes(h);
	struct nl_attr a, text = { 0 };
	bool has_id = false;
	uint64_t id = 0;

	while (nl_attr_next(&at.p, at.end, &a)) {
		if (a.type == NAME_ID) {
			has_id = true;
			id = number_of(&a);
		} else if (a.type == NAME_TEXT) {
			text = a;
		}
	}
	if (has_id)
		add_name(r, names, id, &text);
	else
		r->broken = true;
}

void recorded_take(struct recorded *r, struct owners *o, const struct nlmsghdr *h)
{
	const struct record_head *head = (const void *)h;

	if (!record_is_marked(h))
		return;
	if (h->nlmsg_type == NLMSG_DONE) {
		r->is_ours = true;
		return;
	}
	if (head->kind >= RECORD_META)
		r->meta.newer |= head->version > RECORD_VERSION;
	switch (head->kind) {
	case RECORD_META:
		take_meta(r, h);
		break;
	case RECORD_OWNERS:
		take_owners(r, o, h);
		break;
	case RECORD_PROCESS:
		take_process(r, o, h);
		break;
	case RECORD_CGROUP:
		take_name(r, &r->cgroups, h);
		break;
	case RECORD_USER:
		take_name(r, &r->users, h);
		break;
	case RECORD_DEVICE:
		take_name(r, &r->devices, h);
		break;
	case RECORD_STORAGE:
		take_name(r, &r->storages, h);
		break;
	case RECORD_STORAGES:
		r->has_storages = true;
		break;
	case RECORD_END:
		r->ended = true;
		break;
	default: /* a section, or of a newer format */
		break;
	}
}

/* The end of a connection that is at the other end of another: its own, turned round. An
 * IPv4 address may be mapped on one side. */
static uint32_t hash_tuple(const struct hash_key *key, const struct addr *local,
			   const struct addr *peer)
{
	struct {
		struct addr local, peer;
	} end = { addr_unmapped(local), addr_unmapped(peer) };

	end.local.scope = end.peer.scope = 0;
	end.local.prefix = end.peer.prefix = 0;
	return hash_bytes_by(key, &end, sizeof(end));
}

void recorded_note_end(struct recorded *r, const struct nlmsghdr *h)
{
	struct sock s;

	if (!inet_parse(h, PROTO_TCP, &s) || !s.inode || sock_is_listener(&s))
		return;
	r->ends = array_grow(r->ends, r->n_ends, &r->cap_ends, sizeof(*r->ends));
	hash_index_add(&r->ends_index,
		       hash_tuple(hash_index_key(&r->ends_index), &s.local, &s.peer),
		       r->n_ends);
	r->ends[r->n_ends++] = (struct recorded_end){ s.local, s.peer, s.inode };
}

uint32_t recorded_peer_inode(const struct recorded *r, const struct sock *s)
{
	uint32_t hash = hash_tuple(&r->ends_index.key, &s->peer, &s->local), step = 0;
	size_t at;

	while ((at = hash_index_next(&r->ends_index, hash, &step)) != SIZE_MAX)
		if (addr_same_end(&r->ends[at].local, &s->peer) &&
		    addr_same_end(&r->ends[at].peer, &s->local))
			return r->ends[at].inode;
	return 0;
}

static void names_free(struct recorded_names *names)
{
	free(names->v);
	hash_index_free(&names->index);
}

void recorded_free(struct recorded *r)
{
	arena_free(&r->arena);
	names_free(&r->users);
	names_free(&r->devices);
	names_free(&r->cgroups);
	names_free(&r->storages);
	free(r->ends);
	hash_index_free(&r->ends_index);
	*r = (struct recorded){ 0 };
}

const struct recorded_name *recorded_name(const struct recorded_names *names, uint64_t id)
{
	uint32_t hash = hash_u64_by(&names->index.key, id), step = 0;
	size_t at;

	while ((at = hash_index_next(&names->index, hash, &step)) != SIZE_MAX)
		if (names->v[at].id == id)
			return &names->v[at];
	return NULL;
}
