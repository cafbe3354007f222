/* The words of the field, each in one place. */
#pragma once

#include "model/sock.h"

/* "LISTEN", "CLOSE_WAIT" ...; as in JSON. */
const char *state_name(unsigned state);

/* The same, ready to be copied: 16 bytes of text, and how many of them count. */
struct state_word {
	char text[16];
	uint32_t len;
};
extern const struct state_word state_words_padded[STATE_COUNT];

/* As the text formats show it: a datagram socket without peer is UNCONN, not CLOSE. */
const char *sock_state_text(const struct sock *s);
const char *state_shown(unsigned proto, unsigned state);

/*
 * States by name, any case, '-' or '_': also ss's groups (all, connected, synchronized,
 * bucket, big) and short forms (estab, unconn, closed, bound). Returns a mask of 1 <<
 * state, or 0.
 */
uint32_t state_parse(const char *word, size_t len);

/* Where none is near. */
#define STATES_HINT                                                               \
	"such as listen, established, close-wait, time-wait, bound-inactive, or " \
	"connected; sockctl-inspect(1) lists them under --state"

/* For "did you mean": n names. */
const char *const *state_words(size_t *n);

const char *
proto_name(unsigned proto); /* "tcp", "udp", "unix", "unix-dgram", "unix-seqpacket" */
const char *family_name(unsigned family); /* "inet", "inet6", "unix" */
const char *
timer_name(unsigned timer); /* "none", "retransmit", "keepalive", "timewait", "probe" */
const char *shutdown_name(unsigned directions); /* "none", "recv", "send", "both" */
/* Kernel TLS: by TLS_CIPHER_*, by who works on the records, by the low byte of the
 * version. */
const char *tls_cipher_name(unsigned cipher);
const char *tls_worker_name(unsigned worker);
const char *tls_version_name(unsigned minor);
enum { TLS_CIPHER_FIRST = 51, TLS_WORKER_FIRST = 1, TLS_VERSION_FIRST = 1 };
const char *
ca_state_name(unsigned ca); /* "open", "disorder", "cwr", "recovery", "loss" */
