#include "model/owner_status.h"

static const struct owner_words words[OWNER_STATUSES] = {
	[OWNER_NOT_ASKED] = { .cell = "-", .finding = "owner not asked for" },
	[OWNER_FOUND] = { .cell = "-", .finding = "owner known" },
	[OWNER_NONE] = { .key = "none", .cell = "-", .finding = "no owner" },
	[OWNER_KERNEL] = { .key = "kernel",
			   .cell = "(kernel",
			   .finding = "held by the kernel",
			   .who = "the kernel" },
	[OWNER_INVISIBLE] = { .key = "kernel-or-not-visible",
			      .cell = "(kernel, or not visible here",
			      .finding = "owner not visible",
			      .who = "the kernel, or a process that is not visible here," },
	[OWNER_PERMISSION] = { .key = "no-permission",
			       .cell = "(no permission",
			       .finding = "owner unknown (no permission)",
			       .who = "a process that may not be looked into" },
	[OWNER_HIDEPID] = { .key = "hidepid",
			    .cell = "(not visible: hidepid on /proc",
			    .finding = "owner unknown (not visible: hidepid on /proc)",
			    .who = "a process that hidepid on /proc hides" },
	[OWNER_PID_NAMESPACE] = { .key = "pid-namespace",
				  .cell = "(not visible: pid namespace",
				  .finding = "owner unknown (not visible: pid namespace)",
				  .who = "the kernel, or a process outside of this pid "
					 "namespace" },
	[OWNER_NO_PROC] = { .key = "no-proc",
			    .cell = "(not visible: no /proc",
			    .finding = "owner unknown (not visible: no /proc)",
			    .who = "a process that is not visible without /proc" },
	[OWNER_THREADS] = { .key = "threads-not-searched",
			    .cell = "(threads not all searched",
			    .finding = "owner unknown (threads were not all searched)",
			    .who = "the kernel, or a thread that was not searched" },
	[OWNER_CANDIDATES] = { .key = "no-descriptor",
			       .cell = "(no descriptor: in flight, or in io_uring",
			       .finding =
				       "owner unknown (no descriptor: in flight, or in "
				       "io_uring)",
			       .who = "a socket without a descriptor" },
	[OWNER_NOT_RECORDED] = { .key = "not-recorded",
				 .cell = "(not recorded",
				 .finding = "owner unknown (not recorded)",
				 .who = "a process that was not recorded" },
	[OWNER_NOT_READ] = { .key = "not-read",
			     .cell = "(could not be read",
			     .finding = "owner unknown (could not be read)",
			     .who = "a process that could not be found out" },
};

const struct owner_words *owner_words(uint8_t status)
{
	return &words[status < OWNER_STATUSES ? status : OWNER_NOT_ASKED];
}

uint8_t owner_status_of(const char *key, size_t len)
{
	unsigned i;

	for (i = 0; i < OWNER_STATUSES; i++)
		if (words[i].key && strlen(words[i].key) == len &&
		    memcmp(words[i].key, key, len) == 0)
			return (uint8_t)i;
	return OWNER_NOT_READ;
}
