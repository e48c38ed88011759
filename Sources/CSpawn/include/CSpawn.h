#ifndef CSPAWN_H
#define CSPAWN_H

#include <spawn.h>

/// posix_spawn_file_actions_addchdir_np, which <spawn.h> shows to C with GNU extensions only.
int cspawn_addchdir(posix_spawn_file_actions_t *actions, const char *path);

#endif
