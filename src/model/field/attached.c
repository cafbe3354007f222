/*
 * Columns of what is attached to a socket: an upper layer protocol (TLS, a subflow of
 * MPTCP), keys of TCP MD5 signatures, storage of BPF programs. A row keeps the kernel's
 * lists whole; they are looked into when a column asks.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "model/attr.h"
#include "model/field/get_private.h"
#include "model/names.h"

/* Nested in INET_DIAG_ULP_INFO (linux/inet_diag.h). */
enum { ULP_NAME = 1, ULP_TLS, ULP_MPTCP };

/* linux/tls.h, TLS_INFO_*: 16 bits each, the last two flags without payload. */
enum {
	TLS_VERSION = 1,
	TLS_CIPHER,
	TLS_TX,
	TLS_RX,
	TLS_ZEROCOPY,
	TLS_NO_PAD,
};

/* linux/mptcp.h, MPTCP_SUBFLOW_ATTR_*. */
enum {
	MPTCP_PEER_TOKEN = 1,
	MPTCP_TOKEN,
	MPTCP_WRITE_SEQ,
	MPTCP_MAP_SEQ,
	MPTCP_MAP_SUBFLOW_SEQ,
	MPTCP_SSN_OFFSET,
	MPTCP_MAP_LEN,
	MPTCP_FLAGS,
	MPTCP_PEER_ID,
	MPTCP_ID,
};

/* linux/bpf.h and sock_diag.h, SK_DIAG_BPF_STORAGE*. */
enum { BPF_STORAGE = 1, BPF_MAP_ID, BPF_VALUE };

/* The n-th attribute of a type in a list. */
static bool find_member(const void *list, size_t len, unsigned type, unsigned n,
			struct nl_attr *a)
{
	const char *p = list, *end;

	if (!len)
		return false;
	end = p + len;
	while (nl_attr_next(&p, end, a))
		if (a->type == type && n-- == 0)
			return true;
	return false;
}

static bool find_ulp(const struct sock *s, unsigned protocol, unsigned type,
		     struct nl_attr *a)
{
	struct nl_attr nest;

	return find_member(s->ulp.data, s->ulp.len, protocol, 0, &nest) &&
	       find_member(nest.data, nest.len, type, 0, a);
}

/* A number of whatever width this kernel sends. */
static bool number(const struct nl_attr *a, uint64_t *n)
{
	uint16_t half;
	uint32_t word;

	switch (a->len) {
	case 1:
		*n = *(const uint8_t *)a->data;
		return true;
	case 2:
		memcpy(&half, a->data, 2);
		*n = half;
		return true;
	case 4:
		memcpy(&word, a->data, 4);
		*n = word;
		return true;
	case 8:
		memcpy(n, a->data, 8);
		return true;
	default:
		return false;
	}
}

static bool ulp_number(const struct sock *s, unsigned protocol, unsigned type,
		       struct value *v)
{
	struct nl_attr a;
	uint64_t n;

	return find_ulp(s, protocol, type, &a) && number(&a, &n) && value_set_uint(v, n);
}

static bool set_digits(struct value *v, uint64_t n)
{
	int len = snprintf(v->room, sizeof(v->room), "%llu", (unsigned long long)n);

	return value_set_text(v, v->room, (size_t)len);
}

/* A number as a word; one that has none as its digits. */
static bool set_word(struct value *v, uint64_t n, const char *word)
{
	if (streq(word, "unknown"))
		return set_digits(v, n);
	return value_set_text(v, word, strlen(word));
}

bool get_ulp(const struct sock *s, unsigned i, struct value *v)
{
	struct nl_attr a;

	(void)i;
	/* Kernel names come with or without their NUL. */
	return find_member(s->ulp.data, s->ulp.len, ULP_NAME, 0, &a) &&
	       value_set_text(v, a.data, strnlen(a.data, a.len));
}

bool get_tls_version(const struct sock *s, unsigned i, struct value *v)
{
	enum { MAJOR = 0x0300 };

	(void)i;
	return ulp_number(s, ULP_TLS, TLS_VERSION, v) &&
	       set_word(v, v->u, tls_version_name((unsigned)(v->u ^ MAJOR)));
}

bool get_tls_cipher(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return ulp_number(s, ULP_TLS, TLS_CIPHER, v) &&
	       set_word(v, v->u, tls_cipher_name((unsigned)v->u));
}

/* Who works on the records. */
static bool get_tls_worker(const struct sock *s, unsigned type, struct value *v)
{
	return ulp_number(s, ULP_TLS, type, v) &&
	       set_word(v, v->u, tls_worker_name((unsigned)v->u));
}

bool get_tls_tx(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return get_tls_worker(s, TLS_TX, v);
}

bool get_tls_rx(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return get_tls_worker(s, TLS_RX, v);
}

/* Flags are sent when they are set; that they are not is known of a TLS socket only. */
static bool get_tls_flag(const struct sock *s, unsigned type, struct value *v)
{
	struct nl_attr a;

	return find_member(s->ulp.data, s->ulp.len, ULP_TLS, 0, &a) &&
	       value_set_uint(v, find_ulp(s, ULP_TLS, type, &a));
}

bool get_tls_zerocopy(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return get_tls_flag(s, TLS_ZEROCOPY, v);
}

bool get_tls_no_pad(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return get_tls_flag(s, TLS_NO_PAD, v);
}

#define MPTCP_GETTER(name, type)                                                 \
	bool get_mptcp_##name(const struct sock *s, unsigned i, struct value *v) \
	{                                                                        \
		(void)i;                                                         \
		return ulp_number(s, ULP_MPTCP, (type), v);                      \
	}

MPTCP_GETTER(token, MPTCP_TOKEN)
MPTCP_GETTER(peer_token, MPTCP_PEER_TOKEN)
MPTCP_GETTER(id, MPTCP_ID)
MPTCP_GETTER(peer_id, MPTCP_PEER_ID)
MPTCP_GETTER(write_seq, MPTCP_WRITE_SEQ)
MPTCP_GETTER(map_seq, MPTCP_MAP_SEQ)
MPTCP_GETTER(map_subflow_seq, MPTCP_MAP_SUBFLOW_SEQ)
MPTCP_GETTER(ssn_offset, MPTCP_SSN_OFFSET)
MPTCP_GETTER(map_len, MPTCP_MAP_LEN)

/* MPTCP_SUBFLOW_FLAG_*, with the letters that ss has for them. */
bool get_mptcp_flags(const struct sock *s, unsigned i, struct value *v)
{
	static const char letters[] = "MmJjBbecv";
	size_t bit, len = 0;

	(void)i;
	if (!ulp_number(s, ULP_MPTCP, MPTCP_FLAGS, v))
		return false;
	for (bit = 0; letters[bit]; bit++)
		if (v->u & BIT64(bit))
			v->room[len++] = letters[bit];
	return value_set_text(v, v->room, len);
}

static bool is_ulp(const struct sock *s, const char *name)
{
	struct nl_attr a;

	return find_member(s->ulp.data, s->ulp.len, ULP_NAME, 0, &a) &&
	       strnlen(a.data, a.len) == strlen(name) &&
	       memcmp(a.data, name, strlen(name)) == 0;
}

/* The same by the row alone. The flags keep what the handshake came to: whoever falls
 * back later still has those of both ends. */
static enum sock_mptcp mptcp_of_row(const struct sock *s)
{
	enum {
		AGREED = BIT(0) | BIT(2), /* MP_CAPABLE or MP_JOIN of the peer */
		ASKED = BIT(1) | BIT(3),  /* ours */
		CONNECTED = BIT(7),
	};
	struct nl_attr a;
	uint64_t flags;

	/* Without a list there is none, if this one was asked for and may be told. */
	if (!s->ulp.len)
		return sock_is_told_all(s) && (s->tcp_info.len || s->cong.len)
			       ? SOCK_MPTCP_NO
			       : SOCK_MPTCP_UNKNOWN;
	if (!is_ulp(s, "mptcp"))
		return SOCK_MPTCP_NO;
	if (!find_ulp(s, ULP_MPTCP, MPTCP_FLAGS, &a) || !number(&a, &flags))
		return sock_is_listener(s) ? SOCK_MPTCP_YES : SOCK_MPTCP_UNKNOWN;
	if (flags & AGREED)
		return SOCK_MPTCP_YES;
	if (s->state == STATE_CLOSE || (!(flags & CONNECTED) && (flags & ASKED)))
		return SOCK_MPTCP_UNKNOWN;
	return SOCK_MPTCP_FALLBACK;
}

/* The owner's descriptor knows a fallback at any time, but takes what is only begun for
 * MPTCP. */
static enum sock_mptcp mptcp_of(const struct sock *s)
{
	const size_t at = offsetof(struct sock_options, mptcp);
	uint64_t m;

	if (s->owner_options.len >= at + sizeof(m)) {
		memcpy(&m, (const char *)s->owner_options.data + at, sizeof(m));
		if (m == SOCK_MPTCP_NO || m == SOCK_MPTCP_FALLBACK ||
		    (m == SOCK_MPTCP_YES && s->state != STATE_CLOSE &&
		     s->state != STATE_SYN_SENT))
			return (enum sock_mptcp)m;
	}
	return mptcp_of_row(s);
}

bool get_mptcp(const struct sock *s, unsigned i, struct value *v)
{
	static const char *const words[] = {
		[SOCK_MPTCP_NO] = "no",
		[SOCK_MPTCP_YES] = "yes",
		[SOCK_MPTCP_FALLBACK] = "fallback",
	};
	enum sock_mptcp m;

	(void)i;
	if (s->proto != PROTO_TCP || !(s->has & SOCK_IS_FULL))
		return false;
	m = mptcp_of(s);
	return m != SOCK_MPTCP_UNKNOWN && value_set_text(v, words[m], strlen(words[m]));
}

bool field_row_decides(const struct field *f, const struct sock *s)
{
	enum sock_mptcp m;

	if (f->get != get_mptcp)
		return false;
	m = mptcp_of_row(s);
	return m == SOCK_MPTCP_NO || m == SOCK_MPTCP_FALLBACK;
}

/* struct tcp_diag_md5sig. The key itself stands in it, too, and is no column: it is a
 * secret. */
struct md5_key {
	uint8_t family, prefix_len;
	uint16_t key_len;
	uint8_t addr[16];
	uint8_t key[80];
};

static bool md5_key(const struct sock *s, unsigned i, struct md5_key *key)
{
	if (i >= s->md5.len / sizeof(*key))
		return false;
	memcpy(key, (const char *)s->md5.data + i * sizeof(*key), sizeof(*key));
	return true;
}

bool get_md5_keys(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->md5.data && value_set_uint(v, s->md5.len / sizeof(struct md5_key));
}

bool get_md5_peer(const struct sock *s, unsigned i, struct value *v)
{
	char address[INET6_ADDRSTRLEN];
	struct md5_key key;
	int len;

	if (!md5_key(s, i, &key) ||
	    !inet_ntop(key.family, key.addr, address, sizeof(address)))
		return false;
	len = snprintf(v->room, sizeof(v->room), "%s/%u", address, key.prefix_len);
	return value_set_text(v, v->room, (size_t)len);
}

bool get_md5_key_len(const struct sock *s, unsigned i, struct value *v)
{
	struct md5_key key;

	return md5_key(s, i, &key) && value_set_uint(v, key.key_len);
}

static bool find_bpf(const struct sock *s, unsigned n, unsigned type, struct nl_attr *a)
{
	struct nl_attr storage;

	return find_member(s->bpf_storages.data, s->bpf_storages.len, BPF_STORAGE, n,
			   &storage) &&
	       find_member(storage.data, storage.len, type, 0, a);
}

bool get_bpf_map(const struct sock *s, unsigned i, struct value *v)
{
	struct nl_attr a;
	uint64_t id;

	return find_bpf(s, i, BPF_MAP_ID, &a) && number(&a, &id) && value_set_uint(v, id);
}

bool get_bpf_value(const struct sock *s, unsigned i, struct value *v)
{
	struct nl_attr a;

	return find_bpf(s, i, BPF_VALUE, &a) && value_set_text(v, a.data, a.len);
}
