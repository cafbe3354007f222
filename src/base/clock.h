/* CLOCK_MONOTONIC, read now. */
#pragma once

#include <stdint.h>

/* A bound of the processor time of some work: sanitizers make each step of it slower. */
#ifdef SOCKCTL_SLOWER_BY
#define WORK_US(us) ((us)*SOCKCTL_SLOWER_BY)
#else
#define WORK_US(us) (us)
#endif

uint64_t clock_ns(void);

static inline uint64_t clock_us(void)
{
	return clock_ns() / 1000;
}

static inline uint64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

/* CLOCK_REALTIME, in microseconds since 1970. */
uint64_t clock_wall_us(void);

/* Sleeps until clock_us() has come to at_us. */
void clock_sleep_until(uint64_t at_us);
