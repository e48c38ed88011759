/* What Swift has no word for: memory that will be read soon. */
#ifndef CPREFETCH_H
#define CPREFETCH_H

/* Has a cache line brought near. Any address will do. */
static inline void cprefetch(const void *at) { __builtin_prefetch(at); }

#endif
