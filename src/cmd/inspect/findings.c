/* Which findings are made, and their showing below the rows. */
#include "cmd/inspect/inspect.h"
#include "kernel/evidence/gather.h"
#include "model/finding/rules.h"
#include "view/view_findings.h"

void inspect_findings_begin(struct inspect_config *c)
{
	bool counts = c->count || c->summary || c->group;

	if (c->findings == FINDINGS_AUTO)
		c->findings = c->format == VIEW_TABLE && !counts && !c->from &&
					      !c->common.quiet
				      ? FINDINGS_ON
				      : FINDINGS_OFF;
	if (c->findings == FINDINGS_OFF)
		return;
	c->detect = arena_zalloc(&c->arena, sizeof(*c->detect));
	rules_begin(c->detect);
}

int inspect_findings_show(struct inspect_config *c, struct reader *reader,
			  const struct view_options *opt, struct out *out)
{
	enum severity least = c->findings == FINDINGS_ALL ? SEVERITY_NOTE
							  : SEVERITY_WARNING;
	struct evidence evidence = { 0 };
	struct findings findings = { 0 };
	int unread;

	c->detect->whole_tcp = !c->request.filter && (c->request.protos & BIT(PROTO_TCP));
	c->detect->whole_ports = !c->request.filter || c->request.filter == c->ports_only;
	evidence_read(reader, c->detect, &evidence, c->findings == FINDINGS_ALL,
		      c->detect->whole_tcp);
	rules_judge(c->detect, &evidence, &findings);
	view_findings(&findings, least, opt, out);
	unread = evidence.unread;
	findings_free(&findings);
	evidence_free(&evidence);
	return -unread;
}
