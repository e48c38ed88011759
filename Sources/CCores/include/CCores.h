/* On which core a thread runs, and on which it may: what Swift's view of <sched.h> leaves out. */
#ifndef CCORES_H
#define CCORES_H

#include <pthread.h>

/* The core of the calling thread; -1 where that cannot be told. */
int ccores_current(void);

/* Lets a thread run on all cores that the calling thread may use but this one. Does nothing if there is no other, or
   where a thread cannot be told. */
void ccores_keep_off(pthread_t thread, int core);

#endif
