// libcrypto as Debian ships it: SHA-256 for digests of models and plans.
#pragma once
#include <openssl/evp.h>
