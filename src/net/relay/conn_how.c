#include "net/relay/conn_how.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/relay/needle.h"

void conn_how_init(struct conn_how *how, const struct behave *behave)
{
	*how = (struct conn_how){ .behave = behave };
	how->in_rules = how->out_rules = flow_no_rules;
	how->source = CONN_FROM_STREAM;
	how->half_close = true;
}

void conn_how_protocol(struct conn_how *how, enum target_proto proto)
{
	how->in_rules.tcp = proto == TARGET_TCP;
	how->in_rules.records = how->out_rules.records = proto == TARGET_UNIX_SEQPACKET;
}

void conn_how_ready(struct conn_how *how, enum target_proto proto)
{
	const struct behave *b = how->behave;
	struct flow_rules *in = &how->in_rules, *out = &how->out_rules;
	uint64_t cut = MIN(b->reset_after_bytes, b->close_after_bytes);

	conn_how_protocol(how, proto);
	in->rate = b->read_rate;
	out->rate = b->write_rate;
	out->chunk = b->chunk;
	out->chunk_delay_us = b->chunk_delay_us;
	out->delay_us = b->delay_us;
	out->corrupt = b->corrupt;
	out->truncate_bytes = b->truncate_bytes;
	in->stop_after = out->stop_after = cut;
	if (how->source == CONN_FROM_PEER) {
		/* One flow is both: the peer's bytes in, the same bytes out. */
		*in = *out;
		conn_how_protocol(how, proto);
		in->delay_us = 0; /* each piece has a delay of its own: delayed.h */
		in->rate = b->read_rate && b->write_rate
				   ? MIN(b->read_rate, b->write_rate)
				   : MAX(b->read_rate, b->write_rate);
	}
	if (how->expect.len)
		how->expect_back = needle_table(&how->expect);
}

void conn_how_free(struct conn_how *how)
{
	buf_free(&how->text);
	buf_free(&how->expect);
	free(take_ptr(&how->expect_back));
}
