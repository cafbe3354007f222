#include "cmd/endpoint/tell_why.h"

#include "cmd/why.h"
#include "model/advice.h"
#include "model/sock.h"
#include "net/socket/errqueue.h"
#include "net/socket/tcp.h"
#include "view/view_advice.h"
#include "view/view_bindable.h"

void tell_why_bind(struct teller *t, const struct endpoint *ep,
		   const struct sockopt_list *options, const struct fault *f)
{
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_buf_ struct buf shown = { 0 }, b = { 0 };
	struct causes causes = { .arena = &arena };
	struct view_bindable v = { .causes = &causes,
				   .verdict = BIND_CONFLICT,
				   .tried = true };
	struct fault bare = *f;

	why_bind(ep, options, f->err, &causes);
	/* A cause that was found says it better than a hint that guesses. */
	if (causes.n)
		bare.hint[0] = '\0';
	tell_fault(t, &bare);
	if (causes.n && t->json) {
		why_put_address(&shown, ep);
		v.address = buf_cstr(&shown);
		view_bindable_json(&b, &v);
	} else if (causes.n) {
		view_causes_text(&b, &causes, term_width(STDERR_FILENO));
	}
	tell_write(t->out, t->json ? TELL_DATA : TELL_PEOPLE, &b);
	causes_free(&causes);
}

void tell_why_icmp(int fd, const struct endpoint *ep, bool at_once,
		   struct icmp_error *icmp)
{
	struct endpoint end;
	struct addr local, peer;
	struct tcpinfo t;

	*icmp = (struct icmp_error){ 0 };
	if (at_once || !endpoint_addr(ep, &peer) || !errqueue_take(fd, icmp, NULL, NULL))
		return;
	if (endpoint_local(fd, ep, &end) == 0 && endpoint_addr(&end, &local))
		icmp_find_own(icmp, &local, &peer);
	/* A rule leaves the socket as it is; the timer that gave up has closed it. */
	icmp->no_neighbour = icmp_says_no_host(icmp) && tcp_read(fd, &t) &&
			     t.state == STATE_CLOSE;
}

/* What to run next: as probe has it, that of the first cause where there is no other. */
static const char *next_of(const struct causes *causes)
{
	const char *advice = causes->n ? causes->v[0].advice : NULL, *at = advice;
	size_t len;

	if (causes->next)
		return causes->next;
	return advice && advice_next_command(&at, &len) ? advice : NULL;
}

void tell_why_connect(struct teller *t, const struct causes *causes)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);
	const char *next = next_of(causes);

	if (causes->n && t->json) {
		json_begin_object(&j, "note");
		json_member_str(&j, "id", causes->v[0].id);
		json_member_text(&j, "summary", causes->v[0].summary);
		view_causes_json(&j, causes);
		if (next) {
			view_advice_json(&j, "next", next);
			view_commands_json(&j, next);
		}
		json_end_object(&j);
	} else if (causes->n) {
		view_causes_text(&b, causes, term_width(STDERR_FILENO));
	}
	tell_write(t->out, t->json ? TELL_DATA : TELL_PEOPLE, &b);
}
