/* What the parts of `sockctl inspect` share: the config the option table fills, and the
 * steps. */
#pragma once

#include "cmd/cmd.h"
#include "cmd/inspect/columns.h"
#include "kernel/read/collect.h"
#include "model/finding/detect.h"
#include "net/socket/resolve.h"
#include "view/view.h"

enum {
	WHAT_TCP = BIT(0),
	WHAT_UDP = BIT(1),
	WHAT_UNIX = BIT(2),
	WHAT_V4 = BIT(3),
	WHAT_V6 = BIT(4),
	WHAT_PROTOS = WHAT_TCP | WHAT_UDP | WHAT_UNIX,
};

enum findings_mode { FINDINGS_OFF, FINDINGS_ON, FINDINGS_ALL, FINDINGS_AUTO };

/* --fail-if: rows that match, or their number compared with one. */
struct fail_rule {
	const char *text;
	const struct filter_node *filter;
	enum filter_op op; /* FILTER_EQ ... FILTER_GE */
	uint64_t limit, count;
	uint64_t unsure; /* rows more, if processes that may not be read hold them */
	unsigned guesses;
};

struct inspect_config {
	struct common common;
	/* as the command line says */
	uint32_t what;
	const char *netns, *from, *record;
	struct port_set ports;
	uint32_t states;
	bool listen;
	struct strv pids, src, dst;
	const char *process, *user;
	struct strv columns;
	bool processes, count, summary, no_headings, ascii;
	const char *sort, *group, *output;
	uint64_t limit, threads;
	int format;   /* enum view_format */
	int findings; /* enum findings_mode */
	const char *explain;
	uint64_t fail_fill; /* per cent; UINT64_MAX = not asked */
	bool fail_drops, allow_empty, until_gone;
	struct strv fail_if;
	uint64_t wait_us;	/* UINT64_MAX = not asked */
	uint64_t wait_until_us; /* filled after parsing: on clock_us(); 0 = no wait */
	const char *bindable, *as_user;
	bool reuseaddr, reuseport, v6only, try_bind;
	int home; /* the network namespace that --netns left; negative = none */
	/* what follows from it, by inspect_prepare() */
	struct arena arena;
	struct columns shown;
	const struct field *sort_field, *group_field;
	bool sort_descending;
	struct collect_request request;
	uint32_t shown_protos; /* of request.protos; the others are judged only */
	const struct filter_node *ports_only; /* for the nearest thing that --wait saw */
	struct fail_rule *fail_rules;
	size_t n_fail_rules;
	struct detect *detect; /* NULL = no findings are made */
};

#define INSPECT_CONFIG_INIT                                                              \
	{                                                                                \
		.limit = UINT64_MAX, .findings = FINDINGS_AUTO, .fail_fill = UINT64_MAX, \
		.wait_us = UINT64_MAX, .home = -1                                        \
	}

/* Of a process that may not be read: "name[pid]". */
#define INSPECT_HIDDEN	   "%s may not be read: whether a socket of it matches is unknown"

#define NO_OWNERS_RECORDED "a recorded dump does not say which processes hold its sockets"

/* The user NAME of an option, or a number. 0; -EINVAL: there is none; else it could not
 * be looked up. */
struct inspect_user {
	uint32_t uid;
	gid_t gid;
};
int inspect_find_user(const char *option, const char *name, struct inspect_user *user,
		      struct fault *f);

/* Turns options and EXPRESSION into columns and a request. 0 or -errno; ENXIO: a name is
 * unknown. */
int inspect_prepare(struct inspect_config *c, const struct strv *expressions,
		    struct fault *f);
void inspect_config_free(struct inspect_config *c);

/* The addresses of t, with port 0, as the namespace that --netns left finds them: its
 * target may have no way to a name server. As resolve(); deadline_us 0 = none. */
int inspect_resolve(const struct inspect_config *c, const struct target *t,
		    uint64_t deadline_us, struct endpoint_list *list, struct fault *f);

/* --fail-...: prepared once, fed each row, told at the end. */
int threshold_prepare(struct inspect_config *c, const struct filter_env *env,
		      struct fault *f);
void threshold_row(struct inspect_config *c, const struct command *cmd,
		   struct reader *reader, const struct sock *s, bool *failed);
/* A --fail-if that neither was hit nor was not, for want of the right to read; or NULL.
 */
const struct fail_rule *threshold_unsure(const struct inspect_config *c);
/* Says which --fail-... was hit; true if any was. */
bool threshold_failed(const struct inspect_config *c, const struct command *cmd,
		      bool failed);

/* --findings: whether any are made, and what they are made of. */
void inspect_findings_begin(struct inspect_config *c);
/* Reads the evidence and shows the findings. 0, or -errno if some of the evidence could
 * not be read: then findings may be missing. */
int inspect_findings_show(struct inspect_config *c, struct reader *reader,
			  const struct view_options *opt, struct out *out);

/* --wait: returns EXIT_YES when it is time to show, EXIT_DEADLINE or EXIT_CANNOT after
 * saying why. */
int inspect_wait(const struct command *cmd, struct inspect_config *c,
		 struct reader *reader);

/* The files of -O, without it stdout, and of --record, opened before anything is read.
 * 0 or -errno with a fault. */
struct inspect_files {
	struct out out, record;
};
#define _cleanup_inspect_files_ __attribute__((cleanup(inspect_files_free)))
int inspect_open_files(const struct inspect_config *c, struct inspect_files *files,
		       struct fault *f);
void inspect_files_free(struct inspect_files *files);

/* --bindable. Returns an exit code. */
int inspect_bindable(const struct command *cmd, const struct inspect_config *c);

/* Collects and shows; tells what went wrong. Returns an exit code. */
int inspect_show(const struct command *cmd, struct inspect_config *c,
		 struct reader *reader, struct inspect_files *files);
