// SPDX-License-Identifier: Apache-2.0
#include <locale.h>

#include "userspace/cli/cli.h"

int main(int argc, char **argv)
{
	/* For nl_langinfo(CODESET); numbers stay in the C locale. */
	(void)setlocale(LC_CTYPE, "");
	return sl_cli_main(argc, argv, stdout, stderr);
}
