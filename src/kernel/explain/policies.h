/* Which policies can refuse a call of this process, as far as the kernel tells. */
#pragma once

#include "model/cause/policy.h"

/* What the call was about. */
enum policy_call { POLICY_PORT, POLICY_CONNECT_PATH, POLICY_BIND_PATH, POLICY_ABSTRACT };

/* err: of the call, positive. */
void explain_policy(enum policy_call call, int err, struct policy_facts *f);
