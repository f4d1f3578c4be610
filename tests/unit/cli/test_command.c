// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "tests/unit/cli/run_cli.h"
#include "userspace/cli/command.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void what_is_refused_says_why(void **state)
{
	static const struct {
		const char *line;
		const char *message;
	} cases[] = {
		{ "frob", "sluicectl: no command \"frob\"; see: sluicectl help\n" },
		{ "tenants frob",
		  "sluicectl: tenants has no \"frob\"; it has: list, get, set, top\n" },
		{ "limit set one", "sluicectl: limit set wants: NAME KEY=VALUE...\n" },
		{ "tenants get", "sluicectl: tenants get wants: NAME\n" },
		{ "tenants get a b", "sluicectl: unexpected argument \"b\"\n" },
		{ "status --frob", "sluicectl: status has no option \"--frob\"\n" },
		{ "--frob status", "sluicectl: no option \"--frob\" before the command\n" },
		{ "--csv status", "sluicectl: no option \"--csv\" before the command\n" },
		{ "tenants top --sort", "sluicectl: --sort wants a value: KEY\n" },
		{ "tenants top --once=1", "sluicectl: --once takes no value\n" },
		{ "tenants top --once --once", "sluicectl: --once is given twice\n" },
		{ "--json --json status", "sluicectl: --json is given twice\n" },
		{ "tenants top --sort size",
		  "sluicectl: --sort: \"size\" is not allowed; allowed: drops, offered, bytes, "
		  "used or name\n" },
		{ "tenants top --interval 1ms",
		  "sluicectl: --interval: allowed are 100ms to 1h\n" },
		{ "tenants top --limit 0", "sluicectl: --limit: allowed are 1 to 65536\n" },
		{ "tenants --json --csv", "sluicectl: --json and --csv exclude each other\n" },
		{ "limit set a b", "sluicectl: \"b\" is not KEY=VALUE like "
				   "ingress.packets_per_s=10k\n" },
		{ "limit set a b=1 b=2", "sluicectl: b is given twice\n" },
		{ "limit set a =1", "sluicectl: \"=1\" is not KEY=VALUE like "
				    "ingress.packets_per_s=10k\n" },
		{ "block add 10.0.0.1/8", "sluicectl: \"10.0.0.1/8\" has bits set after the first "
					  "8; write 10.0.0.0/8\n" },
		{ "shed set a 1001 --for 1s", "sluicectl: PERMILLE is 0 to 1000\n" },
		{ "shed set a 10", "sluicectl: shedding ends by itself: say --for TIME, as --for "
				   "30s\n" },
		{ "drops --reason pass", "sluicectl: --reason: \"pass\" is none; they are in "
					 "sluicectl(8)\n" },
		{ "explain --src 10.0.0.1",
		  "sluicectl: explain wants --src and --dst (or --hex, or "
		  "--pcap)\n" },
		{ "explain --src 10.0.0.1 --dst 10.0.0.2",
		  "sluicectl: explain wants --dport, the service's port\n" },
		{ "explain --src 10.0.0.1 --dst ::1 --dport 1",
		  "sluicectl: source and destination are not of the same family\n" },
		{ "explain --src 10.0.0.1 --dst 10.0.0.2 --dport 1 --vlan 1,2,3",
		  "sluicectl: --vlan: one id or two: 10,20\n" },
		{ "explain --src 10.0.0.1 --dst 10.0.0.2 --dport 1 --length 53",
		  "sluicectl: a length of 53 bytes; allowed: 54 to 9000\n" },
		{ "explain --hex 00 --pcap x", "sluicectl: --hex and --pcap exclude each other\n" },
		{ "bpf diff", "sluicectl: bpf diff wants --config FILE\n" },
		{ "mode set loud",
		  "sluicectl: \"loud\" is not allowed; allowed: enforce, shadow or off\n" },
		{ "flows bind icmp 10.0.0.1:1 10.0.0.2:1 a",
		  "sluicectl: only tcp and udp have ports\n" },
		{ "flows bind tcp 10.0.0.1:1 [::1]:1 a",
		  "sluicectl: REMOTE and LOCAL are not of one family\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ran ran = run_cli(cases[i].line);

		if (ran.code != SL_EXIT_USAGE || strcmp(ran.err, cases[i].message) != 0)
			print_message("case: %s: code %d\n%s", cases[i].line, ran.code, ran.err);
		assert_string_equal(ran.err, cases[i].message);
		assert_int_equal(ran.code, SL_EXIT_USAGE);
		assert_string_equal(ran.out, "");
		run_done(&ran);
	}
}

static void nothing_at_all_prints_the_help_and_fails(void **state)
{
	struct ran ran = run_cli("");

	assert_int_equal(ran.code, SL_EXIT_USAGE);
	assert_non_null(strstr(ran.err, "Usage: sluicectl"));
	run_done(&ran);
}

static void what_is_not_there_has_its_own_code(void **state)
{
	static const char *const lines[] = {
		"--pin-dir /nonexistent status",
		"--pin-dir /nonexistent tenants list --json",
		"--pin-dir /nonexistent bpf maps",
		"--socket /nonexistent/sock limit list",
		"--socket /nonexistent/sock reload",
		"--socket /nonexistent/sock block add 10.0.0.0/8",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct ran ran = run_cli(lines[i]);

		assert_int_equal(ran.code, SL_EXIT_ABSENT);
		assert_string_equal(ran.out, "");
		run_done(&ran);
	}
}

static void a_noun_alone_means_its_first_verb(void **state)
{
	char program[] = "sluicectl", noun[] = "tenants", csv[] = "--csv";
	char *argv[] = { program, noun, csv };
	struct sl_args args;

	assert_int_equal(sl_args_parse(&args, 3, argv, NULL), 0);
	assert_string_equal(args.command->verb, "list");
	assert_non_null(sl_args_option(&args, "csv"));
	assert_null(sl_args_option(&args, "all"));
	assert_null(sl_args_option(&args, "no such"));
}

static void options_stand_anywhere_and_end_at_two_dashes(void **state)
{
	char program[] = "sluicectl", json[] = "--json", noun[] = "tenants", verb[] = "get";
	char pins[] = "--pin-dir=/x=y", dashes[] = "--", name[] = "--odd";
	char *argv[] = { program, json, noun, pins, verb, dashes, name };
	struct sl_args args;

	/* --pin-dir before the verb must not choose the default one. */
	assert_int_equal(sl_args_parse(&args, 7, argv, NULL), 0);
	assert_string_equal(args.command->verb, "get");
	assert_string_equal(args.positionals[0], "--odd");
	assert_string_equal(sl_args_program(&args, "pin-dir"), "/x=y");
	assert_non_null(sl_args_program(&args, "json"));
}

static void parsing_touches_nothing_when_it_fails(void **state)
{
	char program[] = "sluicectl", word[] = "frob";
	char *argv[] = { program, word };
	struct sl_args args = { .count = 7 };

	assert_int_equal(sl_args_parse(&args, 2, argv, NULL), -EINVAL);
	assert_int_equal(args.count, 7);
}

static void every_command_has_help_that_fits(void **state)
{
	for (const struct sl_command *command = sl_commands; command->noun; command++) {
		size_t options = 0;

		assert_non_null(command->arguments);
		assert_non_null(command->run);
		assert_true(command->arguments_min <= command->arguments_max);
		assert_true(command->arguments_max <= SL_POSITIONALS_MAX);
		for (const struct sl_option *o = command->options; o && o->name; o++, options++) {
			assert_non_null(o->help);
			assert_true(strlen(o->help) < 70);
		}
		assert_true(options < SL_OPTIONS_MAX);
		if (command->help)
			assert_true(strlen(command->help) < 60);
	}
}

static void help_of_a_noun_is_of_all_its_verbs(void **state)
{
	struct ran noun = run_cli("limit --help"), verb = run_cli("help limit set");
	struct ran all = run_cli("--help"), flag = run_cli("limit set -h");

	assert_non_null(strstr(noun.out, "sluicectl limit set NAME KEY=VALUE..."));
	assert_non_null(strstr(noun.out, "sluicectl limit clear NAME"));
	assert_non_null(strstr(verb.out, "limit set"));
	assert_null(strstr(verb.out, "limit clear"));
	assert_non_null(strstr(verb.out, "\n  ingress.packets_per_s\n"));
	assert_non_null(strstr(verb.out, "\n  blocked\n"));
	assert_string_equal(flag.out, verb.out);
	assert_non_null(strstr(all.out, "uninstall"));
	assert_null(strstr(all.out, "complete"));
	assert_int_equal(noun.code | verb.code | all.code | flag.code, SL_EXIT_OK);
	run_done(&noun);
	run_done(&verb);
	run_done(&all);
	run_done(&flag);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct ran ran = run_cli("tenants get a\033[2Jb \033]0;x\007");

	assert_null(strchr(ran.err, '\033'));
	assert_null(strchr(ran.err, '\007'));
	assert_non_null(strstr(ran.err, "\\x1b"));
	run_done(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused_says_why),
		cmocka_unit_test(nothing_at_all_prints_the_help_and_fails),
		cmocka_unit_test(what_is_not_there_has_its_own_code),
		cmocka_unit_test(a_noun_alone_means_its_first_verb),
		cmocka_unit_test(options_stand_anywhere_and_end_at_two_dashes),
		cmocka_unit_test(parsing_touches_nothing_when_it_fails),
		cmocka_unit_test(every_command_has_help_that_fits),
		cmocka_unit_test(help_of_a_noun_is_of_all_its_verbs),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
