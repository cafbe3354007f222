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
	buf_puts(&q->text, ": sudo docker ps");
	if (p->published)
		say(q, " --filter publish=%u", p->published);
	buf_puts(&q->text, " names it, sudo docker stop NAME ends it");
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
		say(q, "%s; ", f->advice);
	put_container(q, p);
	f->advice = finding_text(q);
}

void findings_name_containers(struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++)
		name_container(q, q->fs->v[i]);
}
