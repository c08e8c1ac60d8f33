#include "cli/target.h"

#include "core/mem.h"
#include "net/addr.h"
#include "net/location.h"
#include "sip/value.h"

#include <stdio.h>
#include <strings.h>

#define DEFAULT_PORT 5060

static bool begins(const char *text, const char *prefix)
{
	return !strncasecmp(text, prefix, strlen(prefix));
}

/* Without its transport prefix; NULL when that transport is none of ours. */
static const char *without_transport(const char *text)
{
	static const char *const others[] = {"tcp:", "tls:", "ws:", "wss:", "sctp:", "sips:"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (begins(text, others[i]))
			return NULL;
	return begins(text, "udp:") ? text + 4 : text;
}

int target_resolve(char *uri, const char *text, bool v6, struct err *e)
{
	const char *rest = without_transport(text);
	const struct value_param *transport;
	struct value_uri *parsed = NULL;
	struct addr a;
	struct err why = {0};
	int n, err;

	if (!rest)
		return err_set(e, ERR_ARG, "--target %s: UDP is the only transport so far", text);
	if (strpbrk(text, " \t\r\n<>\"")) /* osip would take some of these */
		return err_set(e, ERR_ARG, "--target \"%s\": no white space, quotes or brackets <> in a target", text);
	if (begins(rest, "sip:"))
		n = snprintf(uri, TARGET_MAX, "%s", rest);
	else if (addr_set(&a, slice_str(rest), 0) && addr_is_v6(&a) && *rest != '[')
		n = snprintf(uri, TARGET_MAX, "sip:[%s]", rest);
	else
		n = snprintf(uri, TARGET_MAX, "sip:%s", rest);
	if (n >= TARGET_MAX)
		return err_set(e, ERR_ARG, "--target: longer than %d characters", TARGET_MAX);
	err = value_uri_parse(&parsed, slice_str(uri), &why);
	if (err) {
		err = err_set(e, ERR_ARG, "--target %s: neither a host, host:port nor a SIP URI (%s)", text, why.text);
		goto out;
	}
	transport = value_param_get(&parsed->params, SLICE_LIT("transport"));
	if (transport && !slice_case_eq(transport->value, SLICE_LIT("udp"))) {
		err = err_set(e, ERR_ARG, "--target %s: UDP is the only transport so far", text);
		goto out;
	}
	err = location_find(&a, parsed->host, parsed->port ? parsed->port : DEFAULT_PORT, true, v6, &why);
	if (err)
		err = err_set(e, ERR_ENV, "--target %s: %s", text, why.text);
out:
	mem_deref(parsed);
	return err;
}
