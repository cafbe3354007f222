#include "cmd/traffic/endpoint_members.h"

#include <linux/vm_sockets.h>
#include <stdio.h>

#include "view/view_member.h"

void endpoint_members(struct json *j, const char *prefix, const struct endpoint *ep)
{
	const struct sockaddr_vm *vm = (const struct sockaddr_vm *)&ep->ss;
	_cleanup_buf_ struct buf text = { 0 };
	char key[32];
	struct addr a;

	if (endpoint_addr(ep, &a)) {
		snprintf(key, sizeof(key), "%s_addr", prefix);
		a = addr_unmapped(&a);
		view_member_ip(j, key, &a);
		snprintf(key, sizeof(key), "%s_port", prefix);
		json_member_u64(j, key, a.port);
	} else if (ep->family == AF_VSOCK && ep->len) {
		snprintf(key, sizeof(key), "%s_cid", prefix);
		json_member_u64(j, key, vm->svm_cid);
		snprintf(key, sizeof(key), "%s_port", prefix);
		json_member_u64(j, key, vm->svm_port);
	} else if (endpoint_raw_path(&text, ep)) {
		if (streq(prefix, "local"))
			snprintf(key, sizeof(key), "path");
		else
			snprintf(key, sizeof(key), "%s_path", prefix);
		json_member_bytes(j, key, text.data, text.len);
	}
}
