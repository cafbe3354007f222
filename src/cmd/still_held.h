/* Whether a process that a command has left behind still has a connection. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Whether another process has a descriptor of fd's socket, which was given to a command
 * that has ended. Such a process is younger than the command: pid is the command's, and
 * began_us when it was started. Costs one small file where no process was started since,
 * the descriptors of those that were, or of all processes where these cannot be named.
 * Processes of other users are invisible to an ordinary user.
 */
bool still_held(int fd, pid_t pid, uint64_t began_us);
