/* What Swift's view of the C library leaves out of <sys/xattr.h>. */
#ifndef CATTRIBUTES_H
#define CATTRIBUTES_H

#include <stddef.h>

#if defined(__linux__)
#include <sys/xattr.h>
#endif

/* The bytes of an extended attribute of a file, following links; -1 when it has none of that name. */
static inline long cattributes_get(const char *path, const char *name, void *value, size_t size) {
#if defined(__linux__)
  return getxattr(path, name, value, size);
#else
  (void)path, (void)name, (void)value, (void)size;
  return -1;
#endif
}

#endif
