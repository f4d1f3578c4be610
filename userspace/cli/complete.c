// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/command.h"

#include <string.h>

struct completion {
	FILE *out;
	const char *prefix; /* what is typed of the word */
	void (*tenants)(void *context, FILE *out);
	void *context;
};

static void offer(const struct completion *completion, const char *word, size_t length)
{
	size_t typed = strlen(completion->prefix);

	if (typed <= length && strncmp(word, completion->prefix, typed) == 0)
		(void)fprintf(completion->out, "%.*s\n", (int)length, word);
}

static void offer_list(const struct completion *completion, const char *words)
{
	if (strcmp(words, "@tenants") == 0) {
		if (completion->tenants)
			completion->tenants(completion->context, completion->out);
		return;
	}
	if (words[0] == '@') {
		(void)fprintf(completion->out, "%s\n", words);
		return;
	}
	while (*words) {
		size_t length = strcspn(words, " ");

		offer(completion, words, length);
		words += length + strspn(words + length, " ");
	}
}

/* Words of an argument: "of the first|of the second|of all others". */
static void offer_words(const struct completion *completion, const char *words, size_t argument)
{
	char list[512];
	size_t length;

	if (!words)
		return;
	for (; argument && strchr(words, '|'); argument--)
		words = strchr(words, '|') + 1;
	length = strcspn(words, "|");
	if (length >= sizeof(list))
		return;
	memcpy(list, words, length);
	list[length] = '\0';
	offer_list(completion, list);
}

static void offer_options(const struct completion *completion, const struct sl_option *options)
{
	char word[64];

	for (; options && options->name; options++) {
		(void)snprintf(word, sizeof(word), "--%s", options->name);
		offer(completion, word, strlen(word));
	}
}

static const struct sl_option *option_called(const struct sl_option *options, const char *word)
{
	if (!word || strncmp(word, "--", 2) != 0)
		return NULL;
	for (; options && options->name; options++)
		if (strcmp(options->name, word + 2) == 0 && options->argument)
			return options;
	return NULL;
}

static bool is_first_of_noun(const struct sl_command *command)
{
	for (const struct sl_command *before = sl_commands; before != command; before++)
		if (strcmp(before->noun, command->noun) == 0)
			return false;
	return true;
}

static void offer_nouns(const struct completion *completion)
{
	for (const struct sl_command *command = sl_commands; command->noun; command++)
		if (command->help && is_first_of_noun(command))
			offer(completion, command->noun, strlen(command->noun));
}

static void offer_verbs(const struct completion *completion, const char *noun)
{
	for (const struct sl_command *command = sl_commands; command->noun; command++)
		if (strcmp(command->noun, noun) == 0 && command->verb)
			offer(completion, command->verb, strlen(command->verb));
}

/* Where the words before the last have led to. */
struct position {
	const char *noun;
	const struct sl_command *command;
	const struct sl_option *wanting; /* this option's value comes next */
	size_t arguments;
};

static const struct sl_command *command_called(const char *noun, const char *verb)
{
	for (const struct sl_command *command = sl_commands; command->noun; command++)
		if (strcmp(command->noun, noun) == 0 &&
		    (!command->verb || (verb && strcmp(command->verb, verb) == 0)))
			return command;
	return NULL;
}

static void step(struct position *at, const char *word)
{
	if (at->wanting) {
		at->wanting = NULL;
		return;
	}
	at->wanting = option_called(sl_program_options, word);
	if (!at->wanting && at->command)
		at->wanting = option_called(at->command->options, word);
	if (at->wanting || strncmp(word, "--", 2) == 0)
		return;
	if (!at->noun) {
		at->noun = word;
		at->command = command_called(word, NULL);
	} else if (!at->command) {
		at->command = command_called(at->noun, word);
	} else {
		at->arguments++;
	}
}

void sl_complete_print(FILE *out, size_t count, const char *const *words,
		       void (*tenants)(void *context, FILE *out), void *context)
{
	struct completion completion = { .out = out,
					 .prefix = count ? words[count - 1] : "",
					 .tenants = tenants,
					 .context = context };
	struct position at = { 0 };

	for (size_t i = 0; i + 1 < count; i++)
		step(&at, words[i]);
	if (at.wanting) {
		offer_words(&completion, at.wanting->words, 0);
		return;
	}
	if (completion.prefix[0] == '-') {
		offer_options(&completion, at.command ? at.command->options : NULL);
		offer_options(&completion, sl_program_options);
		return;
	}
	if (!at.noun)
		offer_nouns(&completion);
	else if (!at.command)
		offer_verbs(&completion, at.noun);
	else if (at.arguments < at.command->arguments_max)
		offer_words(&completion, at.command->words, at.arguments);
}
