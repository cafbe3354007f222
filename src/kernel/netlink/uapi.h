/*
 * Kernel constants that the headers of older distributions lack. Values are ABI; names as
 * in include/uapi/linux/{inet_diag,unix_diag,sock_diag}.h.
 */
#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

enum {
	UAPI_TCPDIAG_GETSOCK =
		18, /* one walk for both families, TCP only (struct inet_diag_req) */

	UAPI_INET_DIAG_MARK = 15,
	UAPI_INET_DIAG_BBRINFO = 16,
	UAPI_INET_DIAG_CLASS_ID = 17,
	UAPI_INET_DIAG_MD5SIG = 18,
	UAPI_INET_DIAG_ULP_INFO = 19,
	UAPI_INET_DIAG_SK_BPF_STORAGES = 20,
	UAPI_INET_DIAG_CGROUP_ID = 21,
	UAPI_INET_DIAG_SOCKOPT = 22,
	UAPI_INET_DIAG_COUNT,

	UAPI_INET_DIAG_REQ_SK_BPF_STORAGES = 2, /* as an attribute of the request */

	UAPI_UNIX_DIAG_UID = 7,
	UAPI_UDIAG_SHOW_UID = 0x40,

	UAPI_NETLINK_GET_STRICT_CHK = 12,
};

/* idiag_ext: attribute N is asked for with bit N - 1; those past 8 by an attribute of the
 * request. */
#define EXT_BIT(attribute) (1u << ((attribute)-1))
