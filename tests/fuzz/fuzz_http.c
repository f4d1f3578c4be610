// SPDX-License-Identifier: Apache-2.0
/* The head of an HTTP request: any bytes give a known status, and a path that ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/obs/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_http_request request;
	int status;

	memset(&request, 'x', sizeof(request));
	status = sl_http_parse(&request, (const char *)data, size);
	switch (status) {
	case 0:
	case 400:
	case 404:
	case 405:
	case 431:
		break;
	case 200:
		if (!memchr(request.path, '\0', sizeof(request.path)) || request.path[0] != '/')
			abort();
		break;
	default:
		abort();
	}
	return 0;
}
