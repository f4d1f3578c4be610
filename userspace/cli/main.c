// SPDX-License-Identifier: Apache-2.0
#include <locale.h>
#include <signal.h>

#include "userspace/cli/cli.h"

int main(int argc, char **argv)
{
	/* For nl_langinfo(CODESET); numbers stay in the C locale. */
	(void)setlocale(LC_CTYPE, "");
	/* `sluicectl ... | head`: a failed write is an error of printing, not a death. */
	(void)signal(SIGPIPE, SIG_IGN);
	return sl_cli_main(argc, argv, stdout, stderr);
}
