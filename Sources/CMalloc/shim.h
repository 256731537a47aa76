// What the allocator of the C library offers beyond the standard.
#pragma once
#include <malloc.h>
