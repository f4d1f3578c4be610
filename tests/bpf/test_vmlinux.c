// SPDX-License-Identifier: Apache-2.0
/*
 * vmlinux.h is cut out of a full dump, and kernels differ. Each struct in it must
 * be in the running kernel with the same size and the same place of each member,
 * and each enumerator with the same value; a kernel may know more of both.
 *
 * Structs are read from the BTF of tests/bpf/vmlinux_types.bpf.c. Enumerators are
 * read from the text: most enums are anonymous, and those leave no BTF behind.
 */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "vmlinux_types.skel.h"

struct layouts {
	struct vmlinux_types_bpf *skel; /* owns ours */
	struct btf *ours;
	struct btf *kernel;
};

static const char *name_of(const struct btf *btf, __u32 offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

static const struct btf_type *resolved(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static bool is_record(const struct btf_type *t)
{
	return btf_is_struct(t) || btf_is_union(t);
}

/* Where a member stands: bits from the start of the named type, and its width. */
struct place {
	__u64 bit;
	__u64 bits;
};

static __u64 member_bits(const struct btf *btf, const struct btf_type *t, __u32 index)
{
	__u32 bits = btf_member_bitfield_size(t, index);

	return bits ? bits : 8 * (__u64)btf__resolve_size(btf, btf_members(t)[index].type);
}

/* Looks through anonymous records, as C does. */
static bool find_member(const struct btf *btf, const struct btf_type *t, const char *name,
			__u64 base, struct place *ret_place)
{
	for (__u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *inner = resolved(btf, m->type);
		const char *found = name_of(btf, m->name_off);
		__u64 bit = base + btf_member_bit_offset(t, i);

		if (*found && strcmp(found, name) == 0) {
			*ret_place = (struct place){ bit, member_bits(btf, t, i) };
			return true;
		}
		if (!*found && is_record(inner) && find_member(btf, inner, name, bit, ret_place))
			return true;
	}
	return false;
}

static int compare_members(const struct layouts *l, const struct btf_type *own,
			   const struct btf_type *theirs, const struct btf_type *t, __u64 base)
{
	int wrong = 0;

	for (__u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *inner = resolved(l->ours, m->type);
		const char *name = name_of(l->ours, m->name_off);
		struct place here = { base + btf_member_bit_offset(t, i),
				      member_bits(l->ours, t, i) };
		struct place there = { 0, 0 };

		if (!*name) {
			wrong += compare_members(l, own, theirs, inner, here.bit);
			continue;
		}
		if (!find_member(l->kernel, theirs, name, 0, &there)) {
			print_error("%s.%s: not in the kernel\n", name_of(l->ours, own->name_off),
				    name);
			wrong++;
		} else if (there.bit != here.bit || there.bits != here.bits) {
			print_error("%s.%s: bit %llu, %llu wide; the kernel says %llu, %llu\n",
				    name_of(l->ours, own->name_off), name,
				    (unsigned long long)here.bit, (unsigned long long)here.bits,
				    (unsigned long long)there.bit, (unsigned long long)there.bits);
			wrong++;
		}
	}
	return wrong;
}

/* A context grows at its end from kernel to kernel; a packet header does not. */
static bool may_grow(const char *name)
{
	static const char *const contexts[] = { "xdp_md", "__sk_buff", "bpf_sock_ops", "bpf_sock",
						"bpf_tcp_sock" };

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		if (strcmp(name, contexts[i]) == 0)
			return true;
	}
	return false;
}

static int compare_record(const struct layouts *l, const struct btf_type *t)
{
	const char *name = name_of(l->ours, t->name_off);
	int id = btf__find_by_name_kind(l->kernel, name, btf_kind(t));
	const struct btf_type *theirs = id > 0 ? btf__type_by_id(l->kernel, (__u32)id) : NULL;

	if (!theirs) {
		print_error("%s: not in the kernel\n", name);
		return 1;
	}
	if (theirs->size != t->size && !may_grow(name)) {
		print_error("%s: %u bytes; the kernel says %u\n", name, t->size, theirs->size);
		return 1;
	}
	return compare_members(l, t, theirs, t, 0);
}

static bool any_enum(const struct btf_type *t)
{
	return btf_is_enum(t) || btf_is_enum64(t);
}

static bool enumerator_is(const struct btf *btf, const struct btf_type *t, __u32 i,
			  const char *name, long long want)
{
	if (btf_is_enum64(t))
		return strcmp(name_of(btf, btf_enum64(t)[i].name_off), name) == 0 &&
		       btf_enum64_value(&btf_enum64(t)[i]) == (__u64)want;
	return strcmp(name_of(btf, btf_enum(t)[i].name_off), name) == 0 &&
	       (__u32)btf_enum(t)[i].val == (__u32)want;
}

static bool kernel_enumerates(const struct btf *kernel, const char *name, long long want)
{
	for (__u32 id = 1; id < btf__type_cnt(kernel); id++) {
		const struct btf_type *t = btf__type_by_id(kernel, id);

		for (__u32 i = 0; any_enum(t) && i < btf_vlen(t); i++) {
			if (enumerator_is(kernel, t, i, name, want))
				return true;
		}
	}
	return false;
}

static void every_record_has_the_kernels_layout(void **state)
{
	const struct layouts *l = *state;
	int records = 0;
	int wrong = 0;

	for (__u32 id = 1; id < btf__type_cnt(l->ours); id++) {
		const struct btf_type *t = btf__type_by_id(l->ours, id);

		if (!is_record(t) || !*name_of(l->ours, t->name_off) || !btf_vlen(t))
			continue;
		wrong += compare_record(l, t);
		records++;
	}
	assert_int_equal(wrong, 0);
	assert_true(records >= 14);
}

static void every_struct_of_the_header_is_compared(void **state)
{
	const struct layouts *l = *state;
	FILE *header = fopen("vmlinux.h", "r");
	char line[256];
	char name[64];

	assert_non_null(header);
	while (fgets(line, sizeof(line), header)) {
		if (sscanf(line, "struct %63[a-z0-9_] {", name) != 1 || !strchr(line, '{'))
			continue;
		if (btf__find_by_name_kind(l->ours, name, BTF_KIND_STRUCT) <= 0)
			fail_msg("struct %s is not in tests/bpf/vmlinux_types.bpf.c", name);
	}
	fclose(header);
}

static void every_enumerator_has_the_kernels_value(void **state)
{
	const struct layouts *l = *state;
	FILE *header = fopen("vmlinux.h", "r");
	int enumerators = 0;
	int wrong = 0;
	long long value;
	char line[256];
	char name[64];

	assert_non_null(header);
	while (fgets(line, sizeof(line), header)) {
		if (sscanf(line, " %63[A-Za-z0-9_] = %lli", name, &value) != 2)
			continue;
		enumerators++;
		/* The end marker __MAX_... moves with each kernel. */
		if (strncmp(name, "__MAX_", 6) != 0 && !kernel_enumerates(l->kernel, name, value)) {
			print_error("%s = %lld: not in the kernel\n", name, value);
			wrong++;
		}
	}
	fclose(header);
	assert_int_equal(wrong, 0);
	assert_true(enumerators >= 80);
}

/* The bitfields of a little-endian kernel: version is the high nibble of the first byte. */
static void ip_version_is_the_high_nibble(void **state)
{
	const struct layouts *l = *state;
	int id = btf__find_by_name_kind(l->ours, "iphdr", BTF_KIND_STRUCT);
	struct place place = { 0, 0 };

	assert_true(id > 0);
	assert_true(
		find_member(l->ours, btf__type_by_id(l->ours, (__u32)id), "version", 0, &place));
	assert_int_equal(place.bit, 4);
	assert_int_equal(place.bits, 4);
}

static int close_layouts(void **state)
{
	struct layouts *l = *state;

	btf__free(l->kernel);
	vmlinux_types_bpf__destroy(l->skel);
	free(l);
	return 0;
}

static int open_layouts(void **state)
{
	struct layouts *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*state = l;
	l->skel = vmlinux_types_bpf__open();
	l->kernel = btf__load_vmlinux_btf();
	if (!l->skel || !l->kernel) {
		print_error("no BTF: does the kernel have /sys/kernel/btf/vmlinux?\n");
		return -ENOENT;
	}
	l->ours = bpf_object__btf(l->skel->obj);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_has_the_kernels_layout),
		cmocka_unit_test(every_struct_of_the_header_is_compared),
		cmocka_unit_test(every_enumerator_has_the_kernels_value),
		cmocka_unit_test(ip_version_is_the_high_nibble),
	};

	return cmocka_run_group_tests(tests, open_layouts, close_layouts);
}
