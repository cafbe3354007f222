#include "cmd/endpoint/frame.h"

#include "cmd/endpoint/check.h"
#include "cmd/endpoint/laboratory.h"

int endpoint_main(const struct command *cmd, int argc, char **argv,
		  const struct endpoint_role *role)
{
	ENDPOINT_CONFIG_FREE struct endpoint_config c = ENDPOINT_CONFIG_INIT;
	_cleanup_target_ struct target t = { 0 };
	struct opt_operands words = { 0 };
	struct fault f = FAULT_INIT;
	int code = EXIT_USAGE, r;

	if (endpoint_list_options(cmd, argc, argv, &code) ||
	    !cmd_begin(cmd, argc, argv, &c, &c.common, &words, &code)) {
		strv_free(&words.words);
		return code;
	}
	if (c.lab || c.strict) {
		code = endpoint_lab(role, cmd, &c, &words);
		strv_free(&words.words);
		return code;
	}
	r = endpoint_target(&c, &words,
			    c.family == AF_INET6 ? role->otherwise6 : role->otherwise, &t,
			    &f);
	if (r == 0 && t.proto != TARGET_FD)
		r = endpoint_check(role, &c, t.proto, &f);
	if (r == 0 && role->check)
		r = role->check(&c, &t, &f);
	strv_free(&words.words);
	return r < 0 ? cmd_usage(cmd, &f) : role->run(role, cmd, &c, &t);
}
