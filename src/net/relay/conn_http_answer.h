/* The answer of --http: its head, its body, and the pieces in which it is sent. */
#pragma once

#include "net/relay/conn_http.h"

/* Sends "100 Continue". */
void conn_http_send_continue(struct conn *c);
/* Begins to send the answer that is due. */
void conn_http_answer(struct conn *c);
/* A piece is sent. True where another one follows. */
bool conn_http_next_piece(struct conn *c);
void conn_http_close_file(struct conn_http *h);
