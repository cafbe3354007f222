/*
 * Which listener takes a connection: the kernel's look-up (inet_lookup_listener(),
 * compute_score()) as a pure rule, for all that is asked of listeners.
 *
 * A specific address beats the wildcard; towards an IPv4 address a socket of IPv4 beats
 * one of IPv6. The interface only excludes: compute_score() counts it too, but two that
 * fit the same connection can only be bound if both have SO_REUSEPORT, and of these the
 * kernel takes the first of its chain that fits without looking for a better one
 * (measured on 6.18). Which that is no table tells, so they are as good as each other.
 */
#pragma once

#include "model/sock.h"

/*
 * How well a listener, or a bound socket if it listened, fits what comes to this address
 * of the host and its port: 0 = it takes nothing of it; the best takes it, and several of
 * one score are a SO_REUSEPORT group or cannot be told apart. ifindex is the interface
 * that has the address, also where the way is over loopback; 0 = not known, then one that
 * is bound to an interface fits. Whether an IPv6 socket is v6only may be missing, as
 * before Linux 4.3: then it is taken for dual stack.
 */
int listener_score(const struct sock *listener, const struct addr *to, uint32_t ifindex);

/* The same of a connection, or a request for one, that has come: it has the family of its
 * listener, and the interface that it is bound to, which of itself only a link-local one
 * has. */
int listener_took(const struct sock *listener, const struct sock *connection);
