#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif

#include "CCores.h"

#if defined(__linux__)

int ccores_current(void) { return sched_getcpu(); }

void ccores_keep_off(pthread_t thread, int core) {
  cpu_set_t cores;
  if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof cores, &cores) != 0) return;
  CPU_CLR(core, &cores);
  if (CPU_COUNT(&cores) > 0) pthread_setaffinity_np(thread, sizeof cores, &cores);
}

#else

int ccores_current(void) { return -1; }

void ccores_keep_off(pthread_t thread, int core) { (void)thread, (void)core; }

#endif
