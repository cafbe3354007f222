/*
 * Runs in the kernel, once for every descriptor of every process that the reader's pid
 * namespace has (iter/task_file), and writes a record for each that refers to a socket.
 * Sees what /proc/PID/fd shows, the descriptors of the leader of a thread group, and
 * those of threads that do not share them: it has ended, or they left its table.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel/bpf/owner_record.h"

/* The few members that are read; where they are is looked up in the running kernel's BTF
 * when the program is loaded. */
#define OF_THE_KERNEL __attribute__((preserve_access_index))

struct inode {
	unsigned long i_ino;
} OF_THE_KERNEL;

struct file {
	struct inode *f_inode;
} OF_THE_KERNEL;

struct upid {
	int nr;
} OF_THE_KERNEL;

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* one for each level of pid namespaces */
} OF_THE_KERNEL;

struct files_struct;

struct task_struct {
	struct task_struct *group_leader;
	struct files_struct *files;
	struct pid *thread_pid;
	char comm[16];
} OF_THE_KERNEL;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} OF_THE_KERNEL;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} OF_THE_KERNEL;

/* Its number in the namespace of the process that reads. */
static int pid_of(const struct task_struct *task)
{
	const struct task_struct *reader = bpf_get_current_task_btf();
	unsigned int level = reader->thread_pid->level;
	const char *numbers = (const char *)task->thread_pid +
			      bpf_core_field_offset(struct pid, numbers);
	int pid = 0;

	bpf_probe_read_kernel(&pid, sizeof(pid),
			      numbers + level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return pid;
}

__attribute__((section("iter/task_file"), used)) int
owners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task, *leader;
	struct file *file = ctx->file;
	struct owner_record r = { 0 };

	if (!task || !file)
		return 0;
	leader = task->group_leader;
	if ((task != leader && task->files == leader->files) || !bpf_sock_from_file(file))
		return 0;
	r.inode = (__u32)file->f_inode->i_ino;
	r.pid = pid_of(leader);
	r.fd = (__s32)ctx->fd;
	bpf_probe_read_kernel(r.command, sizeof(r.command), leader->comm);
	/* What does not fit is written again, in front of the next read. */
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

/* The helpers it calls are for programs under the GPL, of which the kernel takes MIT to
 * be one. */
__attribute__((section("license"), used)) char terms[] = "Dual MIT/GPL";
