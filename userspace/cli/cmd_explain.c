// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/endpoint.h"
#include "userspace/cli/human.h"
#include "userspace/cli/live.h"
#include "userspace/cli/packet.h"
#include "userspace/cli/sheet.h"
#include "userspace/cli/verdict.h"
#include "userspace/dataplane/inspect.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PORT_DEFAULT 40000u

static const struct sl_choice directions[] = {
	{ "ingress", SL_EXPLAIN_XDP },
	{ "tc-ingress", SL_EXPLAIN_TC_INGRESS },
	{ "egress", SL_EXPLAIN_TC_EGRESS },
	{ NULL, 0 },
};

static int bad(const struct sl_cli *cli, const char *option, const struct sl_text_error *error)
{
	return sl_cli_fail(cli, SL_EXIT_USAGE, "--%s: %s", option, error->message);
}

static int read_address(struct sl_address *ret, struct sl_cli *cli, const struct sl_args *args,
			const char *option)
{
	const char *text = sl_args_option(args, option);
	struct sl_text_error error;

	if (!text)
		return sl_cli_fail(cli, SL_EXIT_USAGE,
				   "explain wants --src and --dst (or --hex, or --pcap)");
	return sl_parse_address(ret, text, &error) ? bad(cli, option, &error) : 0;
}

static int read_port(uint16_t *ret, struct sl_cli *cli, const struct sl_args *args,
		     const char *option)
{
	uint64_t port = *ret;
	int code = sl_args_number(&port, cli, args, option, 0, 65535);

	*ret = (uint16_t)port;
	return code;
}

/* "10" or "10,20". */
static int read_vlans(struct sl_packet_spec *spec, struct sl_cli *cli, const struct sl_args *args)
{
	const char *text = sl_args_option(args, "vlan");
	char word[8];
	uint64_t id;

	while (text) {
		size_t length = strcspn(text, ",");

		if (spec->vlan_count == SL_PACKET_VLANS_MAX || length >= sizeof(word))
			return sl_cli_fail(cli, SL_EXIT_USAGE, "--vlan: one id or two: 10,20");
		memcpy(word, text, length);
		word[length] = '\0';
		if (sl_parse_amount(&id, word, SL_UNIT_COUNT, NULL) || id > 4095)
			return sl_cli_fail(cli, SL_EXIT_USAGE, "--vlan: ids are 0 to 4095");
		spec->vlans[spec->vlan_count++] = (uint16_t)id;
		text = text[length] ? text + length + 1 : NULL;
	}
	return 0;
}

static int read_flags(uint8_t *ret, struct sl_cli *cli, const struct sl_args *args)
{
	const char *text = sl_args_option(args, "flags");
	struct sl_text_error error;

	return text && sl_packet_parse_flags(ret, text, &error) ? bad(cli, "flags", &error) : 0;
}

static int read_spec(struct sl_packet_spec *ret, struct sl_cli *cli, const struct sl_args *args)
{
	int protocol = IPPROTO_TCP;
	uint64_t length = 0;
	int code = read_address(&ret->source, cli, args, "src");

	ret->tcp_flags = SL_TCP_SYN;
	ret->source_port = PORT_DEFAULT;
	if (!code)
		code = read_address(&ret->destination, cli, args, "dst");
	if (!code)
		code = sl_args_choice(&protocol, cli, args, "proto", sl_choices_protocol);
	if (!code)
		code = read_port(&ret->source_port, cli, args, "sport");
	if (!code)
		code = read_port(&ret->destination_port, cli, args, "dport");
	if (!code)
		code = read_flags(&ret->tcp_flags, cli, args);
	if (!code)
		code = read_vlans(ret, cli, args);
	if (!code)
		code = sl_args_number(&length, cli, args, "length", 14, 9000);
	ret->protocol = (uint8_t)protocol;
	ret->length_bytes = length;
	ret->later_fragment = sl_args_option(args, "fragment") != NULL;
	if (!code && !ret->destination_port && !ret->later_fragment &&
	    (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "explain wants --dport, the service's port");
	return code;
}

/* The packet, and how it is called in the answer. */
static int read_packet(struct sl_packet *ret, char *name, size_t size, struct sl_cli *cli,
		       const struct sl_args *args)
{
	const char *hex = sl_args_option(args, "hex"), *pcap = sl_args_option(args, "pcap");
	char from[SL_ENDPOINT_BYTES], to[SL_ENDPOINT_BYTES];
	struct sl_text_error error = { "" };
	struct sl_packet_spec spec = { 0 };
	int code;

	if (hex && pcap)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "--hex and --pcap exclude each other");
	if (hex || pcap) {
		if (hex ? sl_packet_parse_hex(ret, hex, &error)
			: sl_packet_read_pcap(ret, pcap, &error))
			return bad(cli, hex ? "hex" : "pcap", &error);
		(void)snprintf(name, size, "%s, %zu bytes", hex ? "as given" : "of the capture",
			       ret->length);
		return 0;
	}
	code = read_spec(&spec, cli, args);
	if (code)
		return code;
	if (sl_packet_build(ret, &spec, &error))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "%s", error.message);
	(void)snprintf(name, size, "%s%s %s to %s, %zu bytes",
		       sl_choice_name(sl_choices_protocol, spec.protocol),
		       spec.later_fragment ? " (later fragment)" : "",
		       sl_endpoint_format(from, &spec.source, spec.source_port),
		       sl_endpoint_format(to, &spec.destination, spec.destination_port),
		       ret->length);
	return 0;
}

/* The hook that judges that way on @interface, or why there is none. */
static int hook_on(enum sl_explain_hook *hook, struct sl_cli *cli, const char *interface)
{
	sl_autofree struct sl_link_info *links = NULL;
	bool xdp = false, tc_in = false, tc_out = false;
	struct sl_dp_error error = { "" };
	size_t count = 0;

	if (sl_inspect_links(&links, &count, cli->pin_dir, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	for (size_t i = 0; i < count; i++) {
		enum sl_pin_hook at = links[i].hook;

		if (strcmp(links[i].ifname, interface) != 0)
			continue;
		xdp |= at == SL_PIN_XDP || at == SL_PIN_DISPATCHER;
		tc_in |= at == SL_PIN_TC_INGRESS || at == SL_PIN_CLSACT_INGRESS;
		tc_out |= at == SL_PIN_TC_EGRESS || at == SL_PIN_CLSACT_EGRESS;
	}
	if (*hook == SL_EXPLAIN_XDP && !xdp && tc_in)
		*hook = SL_EXPLAIN_TC_INGRESS;
	if ((*hook == SL_EXPLAIN_XDP && !xdp) || (*hook == SL_EXPLAIN_TC_INGRESS && !tc_in) ||
	    (*hook == SL_EXPLAIN_TC_EGRESS && !tc_out))
		return sl_cli_fail(cli, SL_EXIT_FAILED,
				   "nothing of ours judges that way on %s: the packet passes "
				   "(see: sluicectl bpf links)",
				   interface);
	return 0;
}

static int read_hook(enum sl_explain_hook *ret, struct sl_cli *cli, const struct sl_args *args)
{
	const char *interface = sl_args_option(args, "interface");
	int hook = SL_EXPLAIN_XDP;
	int code = sl_args_choice(&hook, cli, args, "direction", directions);

	*ret = (enum sl_explain_hook)hook;
	return !code && interface ? hook_on(ret, cli, interface) : code;
}

static int explain(struct sl_cli *cli, const struct sl_maps *maps, enum sl_explain_hook hook,
		   const struct sl_packet *packet, const char *name, uint32_t mark)
{
	struct sl_dp_error error = { "" };
	struct sl_explanation explanation;
	struct sl_doc *doc = NULL;
	int err = sl_explain_packet(&explanation, maps, hook, packet->bytes, packet->length, mark,
				    &error);

	if (err)
		return sl_cli_fail(cli, err == -ENOENT ? SL_EXIT_ABSENT : SL_EXIT_FAILED, "%s",
				   error.message);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sl_verdict_add(doc, sl_maps_view(maps), hook, name, &explanation);
	return sl_doc_finish(doc, cli);
}

int sl_cmd_explain(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_autofree struct sl_packet *packet = calloc(1, sizeof(*packet));
	enum sl_explain_hook hook = SL_EXPLAIN_XDP;
	uint64_t mark = 0;
	char name[256];
	int code;

	if (!packet)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	code = read_packet(packet, name, sizeof(name), cli, args);
	if (!code)
		code = sl_args_number(&mark, cli, args, "mark", 0, UINT32_MAX);
	if (!code)
		code = sl_live_open(&maps, cli, SL_MAPS_WRITE);
	if (!code)
		code = read_hook(&hook, cli, args);
	return code ? code : explain(cli, maps, hook, packet, name, (uint32_t)mark);
}
