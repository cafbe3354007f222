#include "cmd/exit_code.h"

#include "net/socket/resolve.h"

int cmd_code_of(enum verdict v)
{
	static const int codes[] = {
		[VERDICT_NONE] = EXIT_CANNOT, [VERDICT_YES] = EXIT_YES,
		[VERDICT_NO] = EXIT_NO,	      [VERDICT_SILENCE] = EXIT_DEADLINE,
		[VERDICT_NAME] = EXIT_NAME,   [VERDICT_CANNOT] = EXIT_CANNOT,
	};

	return codes[v];
}

int cmd_code_of_lookup(int err)
{
	return cmd_code_of(resolve_says_no_name(err) ? VERDICT_NAME : VERDICT_CANNOT);
}

int cmd_worse_code(int a, int b)
{
	static const int order[] = { EXIT_USAGE,    EXIT_CANNOT, EXIT_NAME,
				     EXIT_DEADLINE, EXIT_NO,	 EXIT_YES };
	size_t i = 0;

	while (order[i] != a && order[i] != b)
		i++;
	return order[i];
}
