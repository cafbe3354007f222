#include "net/relay/conn_http_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "model/http/http_reply.h"

enum { BODY_BESIDE_HEAD = 16 * 1024 }; /* one send() for both */

static void send_piece(struct conn *c, enum http_piece piece, const char *data,
		       size_t len)
{
	c->http->piece = piece;
	c->tx.from = FLOW_MEMORY;
	c->tx.memory = data;
	c->tx.memory_len = len;
	c->tx_want = FLOW_WANT_WRITE;
}

void conn_http_send_continue(struct conn *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	c->http->continue_due = false;
	c->tx.busy = false;
	send_piece(c, PIECE_CONTINUE, text, sizeof(text) - 1);
}

void conn_http_close_file(struct conn_http *h)
{
	close_fd(take_fd(&h->file));
}

/* What keeps the file from being sent becomes the status. */
static int status_of(int err)
{
	return err == ENOENT || err == ENOTDIR			 ? 404
	       : err == EACCES || err == EPERM			 ? 403
	       : err == EMFILE || err == ENFILE || err == ENOMEM ? 503
								 : 500;
}

/* Each answer has the file as it is now. */
static void open_file(struct conn *c, struct http_reply *reply, struct buf *text)
{
	struct conn_http *h = c->http;
	struct fault f = FAULT_INIT;
	struct stat st;

	h->file = open(h->how->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (h->file < 0 || fstat(h->file, &st) != 0) {
		reply->status = status_of(errno);
		fault(&f, errno, "answer with %s", h->how->path);
	} else if (!S_ISREG(st.st_mode)) {
		reply->status = 404;
		fault_say(&f, EINVAL, "answer with %s: it is no regular file any more",
			  h->how->path);
	} else {
		h->body_len = (uint64_t)st.st_size;
		return;
	}
	conn_http_close_file(h);
	c->troubled(c, &f);
	buf_printf(text, "%d %s\n", reply->status, http_status_name(reply->status));
}

/* The head, with the body behind it where that is short. */
static void put_answer(struct conn *c, struct http_reply *reply, const struct buf *text)
{
	struct conn_http *h = c->http;

	if (text->len)
		h->body_len = text->len, reply->type = "text/plain; charset=utf-8";
	reply->length = h->body_len;
	http_reply_put_head(&h->head, reply, time(NULL));
	if (h->request.head || !http_status_has_body(reply->status)) {
		h->body_len = 0;
	} else if (text->len) {
		buf_put(&h->head, text->data, text->len);
		h->body_len = 0;
	} else if (h->file < 0 && h->body_len <= BODY_BESIDE_HEAD) {
		buf_put(&h->head, c->how->text.data, c->how->text.len);
		h->body_len = 0;
	}
	if (!h->body_len)
		conn_http_close_file(h);
}

void conn_http_answer(struct conn *c)
{
	struct conn_http *h = c->http;
	const struct http_request *q = &h->request;
	struct http_reply reply = { .status = h->how->status,
				    .type = h->how->type,
				    .headers = &h->how->headers };
	_cleanup_buf_ struct buf text = { 0 };

	h->stage = HTTP_ANSWERS;
	h->continue_due = false;
	h->last = !h->how->again || q->close || q->status || c->forgetting || c->found;
	reply.close = h->last;
	h->body_len = c->how->text.len;
	buf_reset(&h->head);
	if (q->status) {
		reply.status = q->status;
		reply.headers = NULL;
		buf_printf(&text, "%d %s: %s\n", q->status, http_status_name(q->status),
			   q->why);
	} else if (h->how->path) {
		open_file(c, &reply, &text);
	}
	put_answer(c, &reply, &text);
	/* A segment for a head alone would make what follows wait for its ACK. */
	c->tx.more = h->body_len;
	c->tx.busy = false;
	send_piece(c, PIECE_HEAD, h->head.data, h->head.len);
}

bool conn_http_next_piece(struct conn *c)
{
	struct conn_http *h = c->http;

	c->tx.more = false;
	if (h->piece == PIECE_HEAD && h->body_len && !c->tx.ended) {
		send_piece(c, PIECE_BODY, c->how->text.data, (size_t)h->body_len);
		if (h->file >= 0) {
			c->tx.from = FLOW_FILE;
			c->tx.file = h->file;
		}
		return true;
	}
	if (h->piece != PIECE_CONTINUE) {
		conn_http_close_file(h);
		buf_free(&h->head);
	}
	h->piece = PIECE_NONE;
	c->tx.from = FLOW_NOTHING;
	c->tx.memory_len = 0;
	return false;
}
