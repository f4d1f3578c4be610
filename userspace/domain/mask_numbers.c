// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/mask_looks.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define GROUPS_MAX	 6
#define CARD_DIGITS_MIN	 14
#define CARD_DIGITS_MAX	 19
#define PHONE_DIGITS_MIN 8
#define PHONE_DIGITS_MAX 15

/* Digits in groups with the same separator between them: "4111 1111", "078-05-1120". */
struct grouped {
	char digits[GROUPS_MAX * CARD_DIGITS_MAX];
	size_t count;		   /* of digits */
	size_t groups[GROUPS_MAX]; /* digits of each */
	size_t group_count;
	size_t bytes;
};

static char byte_at(struct sl_span text, size_t at)
{
	return at < text.length ? text.at[at] : '\0';
}

bool sl_ends_there(struct sl_span text, size_t end)
{
	char byte = byte_at(text, end), next = byte_at(text, end + 1);

	if (sl_is_alnum(byte) || byte == '_')
		return false;
	if (byte == '-' && sl_is_alnum(next))
		return false;
	return !((byte == '.' || byte == ':') && sl_is_digit(next));
}

/* Reads at most @groups_max groups; @separator '\0': one group. */
static bool read_grouped(struct grouped *ret, struct sl_span text, size_t at, char separator,
			 size_t groups_max)
{
	size_t begin = at;

	*ret = (struct grouped){ .count = 0 };
	while (ret->group_count < groups_max) {
		size_t digits = 0;

		while (sl_is_digit(byte_at(text, at))) {
			if (digits == CARD_DIGITS_MAX)
				return false;
			ret->digits[ret->count++] = text.at[at++];
			digits++;
		}
		ret->groups[ret->group_count++] = digits;
		ret->bytes = at - begin;
		if (!separator || byte_at(text, at) != separator ||
		    !sl_is_digit(byte_at(text, at + 1)))
			break;
		at++;
	}
	return true;
}

static bool has_groups(const struct grouped *number, const size_t *groups, size_t count)
{
	return number->group_count == count &&
	       memcmp(number->groups, groups, count * sizeof(*groups)) == 0;
}

static bool passes_luhn(const char *digits, size_t count)
{
	int sum = 0;

	for (size_t i = 0; i < count; i++) {
		int digit = digits[count - 1 - i] - '0';

		if (i % 2)
			digit = digit > 4 ? digit * 2 - 9 : digit * 2;
		sum += digit;
	}
	return sum % 10 == 0;
}

/* First digits that are given out. None of them begins a time of this decade. */
static bool is_issuer(const char *digits)
{
	int four = 0;

	for (int i = 0; i < 4; i++)
		four = four * 10 + (digits[i] - '0');
	return (four >= 2221 && four <= 2720) || (four >= 3000 && four <= 3059) ||
	       (four >= 3400 && four <= 3999) || (four >= 4000 && four <= 6999);
}

static bool is_card(const struct grouped *number)
{
	return number->count >= CARD_DIGITS_MIN && number->count <= CARD_DIGITS_MAX &&
	       is_issuer(number->digits) && passes_luhn(number->digits, number->count);
}

/* Digits from @at on, no more than can be of use. */
static size_t count_digits(struct sl_span text, size_t at)
{
	size_t count = 0;

	while (count <= CARD_DIGITS_MAX && sl_is_digit(byte_at(text, at + count)))
		count++;
	return count;
}

size_t sl_looks_like_card(struct sl_span text, size_t at)
{
	static const struct {
		size_t groups[5];
		size_t count;
	} forms[] = {
		{ { 4, 4, 4, 4, 3 }, 5 },
		{ { 4, 4, 4, 4 }, 4 },
		{ { 4, 6, 5 }, 3 },
		{ { 4, 6, 4 }, 3 },
	};
	size_t first = count_digits(text, at);
	char separator = byte_at(text, at + first);
	struct grouped number;

	if (first >= CARD_DIGITS_MIN && read_grouped(&number, text, at, '\0', 1) &&
	    is_card(&number) && sl_ends_there(text, at + number.bytes))
		return number.bytes;
	if (first != 4 || (separator != ' ' && separator != '-'))
		return 0;
	for (size_t i = 0; i < COUNT(forms); i++) {
		if (read_grouped(&number, text, at, separator, forms[i].count) &&
		    has_groups(&number, forms[i].groups, forms[i].count) && is_card(&number) &&
		    sl_ends_there(text, at + number.bytes))
			return number.bytes;
	}
	return 0;
}

/* 3-2-4, less the numbers that were never given out. */
size_t sl_looks_like_ssn(struct sl_span text, size_t at)
{
	static const size_t form[] = { 3, 2, 4 };
	struct grouped number;

	if (byte_at(text, at + 3) != '-' || !read_grouped(&number, text, at, '-', 3) ||
	    !has_groups(&number, form, 3) || !sl_ends_there(text, at + number.bytes))
		return 0;
	if (number.digits[0] == '9' || memcmp(number.digits, "000", 3) == 0 ||
	    memcmp(number.digits, "666", 3) == 0 || memcmp(number.digits + 3, "00", 2) == 0 ||
	    memcmp(number.digits + 5, "0000", 4) == 0)
		return 0;
	return number.bytes;
}

/* +CC and groups with a space, a point, a dash or brackets between them. */
static size_t international(struct sl_span text, size_t at)
{
	size_t digits = 0, end = 0, place = at + 1, separators = 0, points = 0;

	if (byte_at(text, place) < '1' || byte_at(text, place) > '9')
		return 0;
	while (digits <= PHONE_DIGITS_MAX) {
		size_t gap = 0;

		while (sl_is_digit(byte_at(text, place)) && digits <= PHONE_DIGITS_MAX) {
			digits++;
			place++;
		}
		if (digits >= PHONE_DIGITS_MIN && digits <= PHONE_DIGITS_MAX &&
		    !(separators == 1 && points == 1) && sl_ends_there(text, place))
			end = place;
		while (gap < 2 && byte_at(text, place + gap) &&
		       sl_byte_in(text.at[place + gap], " .-()")) {
			points += text.at[place + gap] == '.';
			gap++;
		}
		if (!gap || !sl_is_digit(byte_at(text, place + gap)))
			break;
		separators++;
		place += gap;
	}
	return end ? end - at : 0;
}

/* 555-123-4567, 1-555-123-4567, 555.123.4567. */
static size_t american(struct sl_span text, size_t at)
{
	static const size_t short_form[] = { 3, 3, 4 }, long_form[] = { 1, 3, 3, 4 };
	char separator = byte_at(text, at + count_digits(text, at));
	struct grouped number;

	if ((separator != '-' && separator != '.') ||
	    !read_grouped(&number, text, at, separator, 4) ||
	    !sl_ends_there(text, at + number.bytes))
		return 0;
	if (has_groups(&number, short_form, 3) ||
	    (has_groups(&number, long_form, 4) && number.digits[0] == '1'))
		return number.bytes;
	return 0;
}

/* (555) 123-4567 */
static size_t bracketed(struct sl_span text, size_t at)
{
	static const size_t area[] = { 3 }, rest[] = { 3, 4 };
	struct grouped number;
	size_t place;

	if (!read_grouped(&number, text, at + 1, '\0', 1) || !has_groups(&number, area, 1) ||
	    byte_at(text, at + 4) != ')')
		return 0;
	place = at + 5;
	if (byte_at(text, place) == ' ')
		place++;
	for (const char *separator = "-. "; *separator; separator++) {
		if (read_grouped(&number, text, place, *separator, 2) &&
		    has_groups(&number, rest, 2) && sl_ends_there(text, place + number.bytes))
			return place + number.bytes - at;
	}
	return 0;
}

/* A national number with its leading 0: 06 12 34 56 78, 020 7946 0958. */
static size_t national(struct sl_span text, size_t at)
{
	struct grouped number;

	if (byte_at(text, at) != '0' || byte_at(text, at + 1) < '1' || byte_at(text, at + 1) > '9')
		return 0;
	for (const char *separator = " -"; *separator; separator++) {
		bool even = true;

		if (!read_grouped(&number, text, at, *separator, GROUPS_MAX) ||
		    number.group_count < 3 || number.count < 10 || number.count > 11)
			continue;
		for (size_t i = 0; i < number.group_count; i++)
			even = even && number.groups[i] >= 2 && number.groups[i] <= 5;
		if (even && sl_ends_there(text, at + number.bytes))
			return number.bytes;
	}
	return 0;
}

size_t sl_looks_like_phone(struct sl_span text, size_t at)
{
	size_t bytes;

	if (text.at[at] == '+')
		return international(text, at);
	if (text.at[at] == '(')
		return bracketed(text, at);
	bytes = american(text, at);
	return bytes ? bytes : national(text, at);
}
