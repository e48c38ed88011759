/* What Swift's view of the C library leaves out of <malloc.h>. */
#ifndef CMALLOC_H
#define CMALLOC_H

#if defined(__GLIBC__) || defined(__linux__)
#include <malloc.h>
#endif

/* Keep large freed blocks in the process instead of giving their pages back. */
static inline void cmalloc_keep_large_blocks(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
  mallopt(M_TOP_PAD, 64 << 20);
  /* What one thread's tables leave is the next one's: threads allocate little besides. */
  mallopt(M_ARENA_MAX, 1);
#endif
}

/* Write one byte, though nobody will read it. */
static inline void cmalloc_touch(volatile char *at) { *at = 0; }

/* Give free memory back to the system. */
static inline void cmalloc_trim(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

#endif
