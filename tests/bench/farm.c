/*
 * Makes a known number of sockets in known states, in a network namespace of its own, and
 * keeps them until its standard input ends. The line `ready ...` on standard output says
 * where they are and how many; the word `renew` on standard input makes the TIME-WAIT
 * part anew and is answered with a new ready line.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "farm.h"
#include "program.h"

enum {
	BUILD_DEADLINE_S = 180,
	HOLDER_FILES = 16000, /* descriptors one holder gets before another is added */
	HASH_MIN = 1 << 18,
	HASH_MAX = 1 << 21,
	SOCKETS_MAX = 4000000,
};

struct config {
	bool help, shared_hash, healthy;
	uint64_t tcp, udp, unix_sockets, processes, files, holders;
};

#define AT(field) offsetof(struct config, field)

static const struct opt opts[] = {
	{ .name = "tcp",
	  .kind = OPT_UINT,
	  .at = AT(tcp),
	  .value = SOCKETS_MAX,
	  .metavar = "N",
	  .help = "N TCP sockets in mixed states" },
	{ .name = "udp",
	  .kind = OPT_UINT,
	  .at = AT(udp),
	  .value = 300000,
	  .metavar = "N",
	  .help = "N UDP sockets" },
	{ .name = "unix",
	  .kind = OPT_UINT,
	  .at = AT(unix_sockets),
	  .value = SOCKETS_MAX,
	  .metavar = "N",
	  .help = "N unix sockets" },
	{ .name = "processes",
	  .kind = OPT_UINT,
	  .at = AT(processes),
	  .value = 30000,
	  .metavar = "P",
	  .help = "P processes with --files descriptors each" },
	{ .name = "files",
	  .kind = OPT_UINT,
	  .at = AT(files),
	  .value = 100000,
	  .metavar = "F",
	  .help = "descriptors a process, one in five a TCP socket" },
	{ .name = "holders",
	  .kind = OPT_UINT,
	  .at = AT(holders),
	  .value = 1000,
	  .metavar = "H",
	  .help = "processes that hold the sockets (4, more above 64k sockets)" },
	{ .name = "shared-hash",
	  .kind = OPT_FLAG,
	  .at = AT(shared_hash),
	  .help = "use the established-hash that all namespaces share" },
	{ .name = "healthy",
	  .kind = OPT_FLAG,
	  .at = AT(healthy),
	  .help = "nothing is half closed: no finding is due" },
	HELP_ROW(struct config),
};

static void write_sysctl(const char *path, const char *value, bool must)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if ((fd < 0 || write(fd, value, strlen(value)) < 0) && must)
		die(path);
	close_fd(fd);
}

static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r))
		die("loopback up");
	close_fd(fd);
}

/*
 * The size of a namespace's hash table is taken from the namespace that makes it, so a
 * first one is made only to carry the setting: the machine's own stays as it is.
 */
static void enter_namespace(const struct plan *plan, bool shared_hash)
{
	uint64_t buckets = HASH_MIN;
	char text[24];

	if (unshare(CLONE_NEWNET))
		die("a network namespace (are you root?)");
	if (!shared_hash) {
		while (buckets < 2 * plan->sockets && buckets < HASH_MAX)
			buckets *= 2;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)buckets);
		write_sysctl("/proc/sys/net/ipv4/tcp_child_ehash_entries", text, true);
		if (unshare(CLONE_NEWNET))
			die("a network namespace");
	}
	loopback_up();
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "16384 65535", true);
	write_sysctl("/proc/sys/net/ipv4/tcp_max_tw_buckets", "1000000", true);
	/* Renewing a TIME-WAIT needs its tuple back at once; the delay is since 6.14. */
	write_sysctl("/proc/sys/net/ipv4/tcp_tw_reuse", "1", true);
	write_sysctl("/proc/sys/net/ipv4/tcp_tw_reuse_delay", "1", false);
}

static void raise_file_limit(uint64_t files)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		die("RLIMIT_NOFILE");
	/* All that is allowed: a process near its limit would be a finding. */
	r.rlim_max = MAX(r.rlim_max, files);
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r))
		die("RLIMIT_NOFILE");
}

struct pipes {
	int hold[2];   /* nothing is ever written: its end is the signal to go */
	int report[2]; /* one struct share from each holder */
};

__attribute__((noreturn)) static void hold(struct share *s, struct pipes *p)
{
	char name[16], byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(name, sizeof(name), "holder-%u", s->index);
	prctl(PR_SET_NAME, name);
	close_fd(p->hold[1]);
	close_fd(p->report[0]);
	close_fd(STDIN_FILENO);
	close_fd(STDOUT_FILENO);
	make_share(s);
	if (write(p->report[1], s, sizeof(*s)) != sizeof(*s))
		die("report");
	close_fd(p->report[1]);
	while (read(p->hold[0], &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static void add_counts(struct counts *sum, const struct counts *c)
{
	sum->listen += c->listen;
	sum->established += c->established;
	sum->close_wait += c->close_wait;
	sum->fin_wait2 += c->fin_wait2;
	sum->udp += c->udp;
	sum->unix_sockets += c->unix_sockets;
	sum->files += c->files;
}

static void start_holders(const struct plan *plan, struct pipes *p)
{
	struct share s = { .plan = plan };
	pid_t pid;

	for (; s.index < plan->holders; s.index++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0)
			hold(&s, p);
	}
	close_fd(p->report[1]);
	close_fd(p->hold[0]);
}

static void gather(const struct plan *plan, struct pipes *p, struct share *sum)
{
	struct share s;
	uint64_t i;

	for (i = 0; i < plan->holders; i++) {
		if (read(p->report[0], &s, sizeof(s)) != sizeof(s)) {
			fprintf(stderr, "farm: a holder failed\n");
			exit(1);
		}
		add_counts(&sum->made, &s.made);
		if (s.tuple.local_port)
			sum->tuple = s.tuple;
	}
	close_fd(p->report[0]);
}

static void print_ready(const struct plan *plan, const struct share *s)
{
	const struct counts *c = &s->made;
	uint32_t tcp = c->listen + c->established + c->close_wait + c->fin_wait2 +
		       c->time_wait;

	printf("ready pid=%d netns=/proc/%d/ns/net processes=%llu tcp=%u listen=%u"
	       " established=%u close_wait=%u fin_wait2=%u time_wait=%u udp=%u unix=%u"
	       " files=%u",
	       getpid(), getpid(), (unsigned long long)plan->holders, tcp, c->listen,
	       c->established, c->close_wait, c->fin_wait2, c->time_wait, c->udp,
	       c->unix_sockets, c->files);
	if (s->tuple.local_port)
		printf(" src=127.0.0.1:%u dst=127.0.0.1:%u", s->tuple.local_port,
		       s->tuple.peer_port);
	printf("\n");
	if (fflush(stdout))
		exit(1);
}

static void run(const struct plan *plan)
{
	struct time_waits *waits = NULL;
	struct share sum = { .plan = plan };
	struct pipes p;
	char line[64];

	if (pipe2(p.hold, O_CLOEXEC) || pipe2(p.report, O_CLOEXEC))
		die("pipe");
	alarm(BUILD_DEADLINE_S);
	start_holders(plan, &p);
	if (plan->kind == FARM_TCP) {
		waits = time_waits_new(plan);
		sum.made.listen += mix_of(plan).time_wait_listen;
		time_waits_renew(waits);
	}
	gather(plan, &p, &sum);
	alarm(0);
	do {
		if (waits) {
			sum.made.time_wait = time_waits_count(waits);
		}
		print_ready(plan, &sum);
		if (!fgets(line, sizeof(line), stdin))
			break;
		if (waits)
			time_waits_renew(waits);
	} while (true);
	close_fd(p.hold[1]);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	time_waits_free(waits);
}

static struct plan plan_of(const struct config *c)
{
	struct plan plan = { .kind = FARM_TCP, .sockets = c->tcp, .holders = c->holders };

	if (c->processes) {
		plan.kind = FARM_FDS;
		plan.holders = c->processes;
		plan.files = MAX(c->files, 15u);
		plan.sockets = plan.holders * plan.files / 5;
	} else if (c->udp) {
		plan.kind = FARM_UDP;
		plan.sockets = c->udp;
	} else if (c->unix_sockets) {
		plan.kind = FARM_UNIX;
		plan.sockets = c->unix_sockets;
	}
	if (!plan.holders)
		plan.holders = MAX(plan.sockets / HOLDER_FILES, 4u);
	if (plan.kind == FARM_TCP) {
		struct mix m = mix_of(&plan);

		/* Each holder needs a listener of either family. */
		plan.holders = MIN(plan.holders, (m.listen - m.time_wait_listen) / 2);
	}
	return plan;
}

int main(int argc, char **argv)
{
	const struct program program = {
		"farm --tcp N | --udp N | --unix N | --processes P --files F", opts,
		ARRAY_SIZE(opts)
	};
	struct config c = { .files = 50 };
	struct plan plan;

	program_begin(&program, argc, argv, &c, &c.help);
	plan = plan_of(&c);
	if (!plan.sockets)
		program_wrong("how many sockets? see --help");
	plan.healthy = c.healthy;
	enter_namespace(&plan, c.shared_hash);
	raise_file_limit(share_files(&plan));
	run(&plan);
	return 0;
}
