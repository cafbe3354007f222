/* The system calls of the laboratory's steps. */
#pragma once

#include "net/lab/lab.h"

/*
 * Makes the call of lab->step, or goes on with it. 1 = it is made, its states may come;
 * 0 = again, later; -errno with a fault. lab->call says what was called.
 */
int lab_step_do(struct lab *lab, struct fault *f);

/* The descriptor of an end; -1 = it has none (not accepted, closed). */
int *lab_fd(struct lab *lab, enum lab_who who);

/* The end's descriptor is closed with a reset, whatever it has still to say. */
void lab_reset_fd(int *fd);
