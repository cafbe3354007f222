/* Containers that stand behind a process of this host. */
#include "model/finding/inquiry_private.h"

/* The facts of a process that passes connections on to a container, or NULL. */
static const struct process_facts *proxy(const struct inquiry *q, const struct holder *h)
{
	const struct process_facts *p = evidence_process(q->e, h->pid);

	return p && p->container.family ? p : NULL;
}

static bool all_proxies(const struct inquiry *q, const struct finding *f)
{
	const struct holder *h;

	for (h = f->holders; h; h = h->next)
		if (!proxy(q, h))
			return false;
	return true;
}

static void put_container(struct inquiry *q, const struct process_facts *p)
{
	say(q, "docker-proxy[%d] passes connections on to the container at ", p->pid);
	addr_put(&q->text, &p->container);
	buf_puts(&q->text, ", which this names:");
	if (p->published)
		advise(&q->text, ADVICE_DOCKER_PORT, finding_advised(q, p->pid),
		       (unsigned)p->published);
	else
		advise(&q->text, ADVICE_DOCKER_LIST, finding_advised(q, p->pid));
	advise_in_words(&q->text, "'docker stop' ends it");
}

static void name_container(struct inquiry *q, struct finding *f)
{
	const struct holder *h;
	const struct process_facts *p = NULL;

	for (h = f->holders; h && !p; h = h->next)
		p = proxy(q, h);
	if (!p)
		return;
	/* What is said of the proxy itself does not help. */
	if (!all_proxies(q, f) && f->advice)
		say(q, "%s\n", f->advice);
	put_container(q, p);
	f->advice = finding_text(q);
}

void findings_name_containers(struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++)
		name_container(q, q->fs->v[i]);
}
