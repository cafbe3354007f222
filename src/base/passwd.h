/* Users, and whether there is none or the look-up failed. */
#pragma once

#include <pwd.h>

#include "base/util.h"

/*
 * The user of this name, or, where name is NULL, of this number. NULL if there is none,
 * then errno is 0, or if that could not be found out: errno says why. The entry lives
 * until the next call.
 */
struct passwd *passwd_find(const char *name, uid_t uid);
