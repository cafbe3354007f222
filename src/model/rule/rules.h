/* The rules, and what they say of the rows and of what was read about them. */
#pragma once

#include "model/finding/evidence.h"

/* In the order in which findings of one severity are shown. */
const struct rule *const *rules_list(size_t *n);

/* Before the first row. */
void rules_begin(struct detect *d);

/* Of a listener whose row is set, and of a process with so many descriptors (fd_limit 0 =
 * not read yet): whether it is worth a second look. */
bool rules_suspect_listener(const struct detect *d, const struct evidence *e,
			    const struct listener_facts *l);
/* After its first reading: for how long it is watched until the second, in ms; 0 = it is
 * cleared. */
uint32_t rules_patience(const struct detect *d, const struct evidence *e,
			const struct listener_facts *l);
bool rules_suspect_process(uint64_t fds, uint64_t fd_limit);

/* After the first look at the candidates: marks those that stay suspect, and says which
 * second reading is worth its time. */
enum rule_again rules_suspect(const struct detect *d, struct evidence *e);
/* For how long these suspects are watched until the second reading, in ms; 0 = the usual
 * interval will do. */
uint32_t rules_watch(const struct detect *d, const struct evidence *e);

/* Where ephemeral ports may be nearly used up: whose users, and whose different ports,
 * are worth reading. v has room for most; returns how many. */
size_t rules_port_crowds(const struct detect *d, const struct net_limits *limits,
			 struct port_crowd *v, size_t most);

/* After the last: the findings, gravest first. */
void rules_judge(const struct detect *d, const struct evidence *e, struct findings *fs);
