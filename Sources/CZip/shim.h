// libzip as Debian ships it: the container of .npz files.
#pragma once
#include <zip.h>
