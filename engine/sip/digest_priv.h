/* What the files of sip/digest share among themselves. */
#ifndef OFFHOOK_SIP_DIGEST_PRIV_H
#define OFFHOOK_SIP_DIGEST_PRIV_H

#include "sip/digest.h"

static inline bool digest_alg_is_sess(enum digest_alg alg)
{
	return alg == DIGEST_MD5_SESS || alg == DIGEST_SHA_256_SESS || alg == DIGEST_SHA_512_256_SESS;
}

#endif
